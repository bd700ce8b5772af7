package redact

import (
	"bytes"
	"regexp"
	"strings"
)

// Directives whose value is a secret though their name does not say so, or does not come next.
var directiveRules = []struct {
	text       string
	expression string // from the text on; its groups are secrets, VALUE stands for one with or without quotes
}{
	{"rocommunity", `(?i)rocommunity6?[ \t]+VALUE`},
	{"rwcommunity", `(?i)rwcommunity6?[ \t]+VALUE`},
	{"trapcommunity", `(?i)trapcommunity6?[ \t]+VALUE`},
	{"snmp-server community", `(?i)snmp-server community6?[ \t]+VALUE`},
	{"snmp community", `(?i)snmp community6?[ \t]+VALUE`},
	{"com2sec", `(?i)com2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+[ \t]+VALUE`},
	{"trapsink", `(?i)trapsink[ \t]+\S+[ \t]+["']?([^\s"'#0-9-][^\s"']*)`},
	{"trap2sink", `(?i)trap2sink[ \t]+\S+[ \t]+["']?([^\s"'#0-9-][^\s"']*)`},
	{"informsink", `(?i)informsink[ \t]+\S+[ \t]+["']?([^\s"'#0-9-][^\s"']*)`},
	{"createuser", `(?i)createUser[ \t]+(?:-e[ \t]+\S+[ \t]+)?\S+[ \t]+(?:MD5|SHA[-0-9]*)[ \t]+(?:"([^"]+)"|([^\s"]+))(?:[ \t]+(?:DES|AES[-0-9C]*)[ \t]+(?:"([^"]+)"|([^\s"]+)))?`},
	{"snmp-server user", `(?i)snmp-server user \S+ \S+ v3 .*?auth (?:md5|sha)\S* (\S+)(?: priv \S+(?: [0-9]+)? (\S+))?`},
	{"auth-pass", `(?i)auth-pass[ \t]+[\w.-]+[ \t]+VALUE`},
	{"auth-user", `(?i)auth-user[ \t]+[\w.-]+[ \t]+["']?[^\s"']+["']?[ \t]+["']?([^\s"']+)$`},
	{"stats auth", `(?i)stats auth[ \t]+[^\s:]+:(\S+)`},
	{"sqlconnectinfo", `(?i)SQLConnectInfo[ \t]+\S+[ \t]+\S+[ \t]+VALUE`},
	{"ldapdninfo", `(?i)LDAPDNInfo[ \t]+(?:"[^"]*"|\S+)[ \t]+VALUE`},
	{"ldapbinddn", `(?i)LDAPBindDN[ \t]+(?:"[^"]*"|\S+)[ \t]+VALUE`},
	{"monitor ", `(?i)MONITOR[ \t]+\S+@?\S*[ \t]+[0-9]+[ \t]+\S+[ \t]+(\S+)[ \t]+(?:master|slave|primary|secondary)`},
	{"login=", `login=[^\s:=]+:(\S+)`},
	{"static:", `static:[^\s:]+:(\S+)`},
	{"sql_servers", `(?i)(?:my|pg)?sql_servers?\s*=\s*[^\s/]+/[^\s/]*/[^\s/]*/([^\s:#]+)`},
	{"mysql_servers", `(?i)mysql_servers\s*=\s*[^\s/]+/[^\s/]*/[^\s/]*/([^\s:#]+)`},
	{"client_send", `client_send\s*=\s*[:"^<; \t]*(?:[\w.@-]+|\^)?(?:\s*[:;]\s*|\^)[\w.@-]+(?:\s*[:;]\s*|\^)([^\s"]+)`},
	{`"p:`, `"P:([^"]{2,})"`},
	{`"p=`, `"P=([^"]{2,})"`},
	{"rootpw", `(?i)rootpw[ \t]+(?:--?\w+[ \t]+)*VALUE`},
	{"incominguser", `incominguser[ \t]+\S+[ \t]+(\S+)`},
	{"outgoinguser", `outgoinguser[ \t]+\S+[ \t]+(\S+)`},
	{"identified by", `(?i)identified by[ \t]+(?:password[ \t]+|values[ \t]+)?["']?([^\s"';]+)`},
	{"identified with", `(?i)identified with[ \t]+\S+[ \t]+(?:by|as|using)[ \t]+["']?([^\s"';]+)`},
	{"password", `(?i)password\s*\(\s*'([^']+)'\s*\)`},
	{"password ", `(?i)password[ \t]+'([^'\n]{2,})'`},
	{"acl setuser", `(?i)acl setuser .*?[ \t]["']?>([^\s"']+)`},
	{"user ", `(?i)user[ \t]+\S+[ \t]+(?:\S+[ \t]+){0,12}?>(\S{2,})(?:[ \t]|$)`},
	{"user ", `(?i)user[ \t]+\S+[ \t]+(?:\S+[ \t]+){0,12}?#([0-9a-f]{64})`},
	{" psk ", ` PSK[ \t]+(?:"([^"]+)"|'([^']+)'|(0[sx]\S+))`},
	{" eap ", ` EAP[ \t]+(?:"([^"]+)"|(0[sx]\S+))`},
	{" xauth ", ` XAUTH[ \t]+(?:"([^"]+)"|(0[sx]\S+))`},
	{"]:587", `\]:[0-9]{2,5}[ \t]+[^\s:]+:(\S{3,})$`},
	{"]:465", `\]:[0-9]{2,5}[ \t]+[^\s:]+:(\S{3,})$`},
	{"]:25", `\]:[0-9]{2,5}[ \t]+[^\s:]+:(\S{3,})$`},
	{"register", `register[ \t]*=>?[ \t]*[^\s:@/]+:([^\s@:]+)(?::[^\s@]+)?@`},
	{"securestring", `(?i)SecureString[ \t]+(?:-String[ \t]+)?(?:"([^"]+)"|'([^']+)')`},
	{" /p:", `(?i) /p:VALUE`},
	{`"/p:`, `(?i)"/p:([^\s"']+)`},
	{"sqlplus", `(?i)sqlplus[ \t]+(?:-\w+[ \t]+)*["']?[\w$#]+/([^@/\s"']+)`},
	{"expdp", `(?i)expdp[ \t]+["']?[\w$#]+/([^@/\s"']+)`},
	{"impdp", `(?i)impdp[ \t]+["']?[\w$#]+/([^@/\s"']+)`},
	{"sqlldr", `(?i)sqlldr[ \t]+(?:userid=)?["']?[\w$#]+/([^@/\s"']+)`},
	{"rman ", `(?i)rman[ \t]+target[ \t]+["']?[\w$#]+/([^@/\s"']+)`},
	{"thin:", `(?i)thin:[\w$#]+/([^@/\s"']+)@`},
	{"wpa_passphrase", `wpa_passphrase[ \t]+(?:"[^"]*"|'[^']*'|\S+)[ \t]+(?:"([^"]+)"|'([^']+)'|(\S+)[ \t]*(?:$|[|>;&]))`},
	{"tacacs-server", `tacacs-server(?: host \S+)? key(?: [0-9])? (\S+)`},
	{"radius-server", `radius-server(?: host \S+.{0,60}?)? key(?: [0-9])? (\S+)`},
	{"neighbor ", `neighbor \S+ password(?: [0-9])? (\S+)`},
	{"authentication-key", `authentication-key(?: [0-9])? ["']?([^\s"';]+)["']?;?$`},
	{"message-digest-key", `message-digest-key [0-9]+ md5(?: [0-9])? (\S+)`},
	{"key-string", `key-string(?: [0-9])? (\S+)$`},
	{"username ", `username \S+(?: privilege [0-9]+)? (?:password|secret)(?: [0-9]+)? (\S+)`},
	{"isakmp key", `isakmp key(?: [0-9])? (\S+) (?:address|hostname)`},
	{"standby ", `standby [0-9]+ authentication(?: text| md5 key-string)?(?: [0-9])? (\S+)$`},
	{"vault login", `vault login(?: -\S+)* ([A-Za-z0-9][^\s=]{5,})(?:\s|$)`},
	{"$user", `(?i)\$USER[0-9]{1,3}\$[ \t]*=[ \t]*(\S+)`},
	{"addauth digest", `addauth digest [^\s:]+:(\S+)`},
	{"digest:", `digest:[^\s:]+:([A-Za-z0-9+/=]{20,})`},
	{"bundle_", `BUNDLE_[A-Z0-9_]+(?:: |=)["']?[\w.-]+:([^\s"':]+)["']?$`},
	{"redis-cli", `redis-cli[ \t].{0,200}?(?i:auth)[ \t]+(?:\S+[ \t]+)?VALUE(?:[ \t]*$|[ \t]*[|;&])`},
	{"file=<(echo ", `file=<\(echo (?:-n )?["']?([^\s"'$)]+)`},
	{"file <(echo ", `file <\(echo (?:-n )?["']?([^\s"'$)]+)`},
	{"unseal key", `(?i)unseal key(?: [0-9]+)?(?: \([^)]{0,40}\))?:[ \t]+(\S+)`},
	{"recovery key", `(?i)recovery key(?: [0-9]+)?(?: \([^)]{0,40}\))?:[ \t]+(\S+)`},
	{" enc ", ` ENC[ \t]+["']?([A-Za-z0-9+/=]{12,})`},
	{"allow ", `allow[ \t]+(?:[A-Za-z][\w.-]*:([^\s":/;,]{4,})|"[A-Za-z][\w.-]*:([^":/;,]{4,})")(?:[ \t]+read-?only)?$`},
	{"open -u ", `open -u ["']?[^\s,"']+,VALUE`},
	{"hotp/", `(?i)hotp/\S+[ \t]+\S+[ \t]+\S+[ \t]+([0-9a-fA-F]{16,})`},
	{"login ", `login(?: for)? [^:\n]{0,40}:[ \t]*\w[\w.-]*[ \t]*/[ \t]*([^\s/]{5,})[ \t]*$`},
	{"creds", `creds?[^:\n]{0,40}:[ \t]*\w[\w.-]*[ \t]*[/:][ \t]*([^\s/]{5,})[ \t]*$`},
	{"smbclient", `smbclient[ \t]+(?:-\S+[ \t]+)*["']?//\S+[ \t]+VALUE`},
	{"set-user-password", `set-user-password[ \t]+\S+[ \t]+\S+[ \t]+VALUE`},
	{"-hashes ", `-hashes [0-9a-fA-F]{0,32}:?([0-9a-fA-F]{32})`},
	{"net user ", `(?i)net user \S+ ([^\s/*]\S+)`},
	{"unlock-keychain", `unlock-keychain .{0,20}?-p VALUE`},
	{" -hp", ` -hp["']?([^\s"']{5,})`},
	{"qpdf", `qpdf .{0,40}?--encrypt VALUE VALUE [0-9]+`},
	{"user=", `user(?:name)?=[^\s,%&=]+%([^\s,]+)`},
	{"lftp ", `lftp (?:-\S+ )*[\w.-]+:([^\s@/]+)@`},
	{"operator unseal", `operator unseal (?:-\S+ )*["']?([A-Za-z0-9+/=]{16,})`},
	{"gh secret set", `gh secret set .{0,80}?(?:-b|--body)[= ]VALUE`},
	{" catalog ", ` catalog ["']?[\w$#]+/([^@/\s"']+)["']?@`},
	{"exp ", `exp[ \t]+["']?[\w$#]+/([^@/\s"']+)(?:@\S+)?["']?[ \t]+\w+=`},
	{"imp ", `imp[ \t]+["']?[\w$#]+/([^@/\s"']+)(?:@\S+)?["']?[ \t]+\w+=`},
	{"isql ", `isql[ \t]+(?:-[vb][ \t]+)*[A-Za-z]\w*[ \t]+\w+[ \t]+VALUE`},
	{"secret,id=", `secret,id=[\w-]+,(?:\S*,)?data=([^\s,]+)`},
	{"radtest", `radtest[ \t]+(?:-\S+[ \t]+)*\S+[ \t]+VALUE[ \t]+\S+[ \t]+[0-9]+[ \t]+VALUE`},
	{"radclient", `radclient[ \t]+(?:-\S+[ \t]+)*\S+[ \t]+(?:auth|acct|coa|status|disconnect|auto)[ \t]+VALUE`},
	{"password for ", `(?i)password for .{0,80}?=[ \t]*(?:password\()?["']([^"'\n]+)`},
	{"sqlnamedconnectinfo", `(?i)SQLNamedConnectInfo[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+VALUE`},
	{"option key", `option key[0-9]?[ \t]+VALUE[ \t]*$`},
	{"hmac-", `hmac-(?:md5|sha[0-9]+)\S*[ \t]+["']?([A-Za-z0-9+/]{16,}={0,2})`},
	{"key ", `key[ \t]+(?:hmac-[\w.-]+:)?[\w.-]+[ \t]+([A-Za-z0-9+/]{20,}={1,2})$`},
	{"in key", `(?i)in[ \t]+key[ \t]+[0-9]+[ \t]+[0-9]+[ \t]+1(?:57|6[0-9])[ \t]+([A-Za-z0-9+/= ]{16,})`},
	{"password manager", `password manager(?: user-name \S+)? (?:plaintext|sha1|sha256) VALUE`},
	{"password operator", `password operator(?: user-name \S+)? (?:plaintext|sha1|sha256) VALUE`},
	{"add password", `add[ \t]+password[ \t]+\S+[ \t]+\{?([^\s{}]+)\}?(?:[ \t]+\{?([^\s{}]+)\}?)?`},
	{"add userpassword", `add[ \t]+userpassword[ \t]+\S+[ \t]+\{?([^\s{}]+)\}?`},
	{":om", `:om\w+:[^,\s]+,[^,]*,[^,]*,([^\s;,]+)`},
	{"k_g", `k_g[ \t=:]+VALUE`},
	{"ipmiopts", `ipmiopts="(?:U:[^,"]*,?)?(?:P:([^,"]+),?)?(?:K:([^,"]+))?`},
	{"modparam(", `modparam\(\s*"[^"]*"\s*,\s*"[^"]*(?:pass|secret|key)[^"]*"\s*,\s*"([^"]+)"`},
	{"basicauth ", `(?i)BasicAuth[ \t]+[^\s"']+[ \t]+VALUE[ \t]*$`},
	{":cl:", `(?i):cl:([^\s"]+)`},
	{"socks", `socks[45][ \t]+[0-9.]+[ \t]+[0-9]+[ \t]+\S+[ \t]+(\S+)$`},
	{"authcommunity", `(?i)authCommunity[ \t]+\S+[ \t]+VALUE`},
	{"obfuscated secret", `(?i)obfuscated secret[ \t]+(\S+)`},
	{"nickserv", `(?i)nickserv[ \t:]+(?:identify|id)[ \t]+(?:\S+[ \t]+)?([^\s"';]+)["';]*$`},
	{"secret-set-value", `secret-set-value[ \t]+(?:--secret )?\S+[ \t]+(?:--base64 )?VALUE`},
	{"pveapitoken=", `(?i)PVEAPIToken=[^\s=]+=([0-9a-f-]{20,})`},
	{"identified\\040by", `(?i)identified\\040by(?:\\040password)?\\040["']?([^\s"';\\]+)`},
	{"mschapv2", `MSCHAPV2[\w,-]*[ \t]+"([^"]+)"`},
	{"data_source_name", `(?i)data_source_name["']?[ \t]*[:=][ \t]*["']?[\w.-]+:([^\s"']+?)@`},
	{"dsn", `(?i)dsn["']?[ \t]*(?:[:=]|=>)[ \t]*["']?[\w.-]+:([^\s"'/]+?)@`},
	{"dns ", `dns[ \t]+[a-z]+[ \t]+([A-Za-z0-9_-]{24,})$`},
	{"menu passwd", `(?i)menu passwd VALUE`},
	{"menu master passwd", `(?i)menu master passwd VALUE`},
	{"iscsi:", `iscsi:[^:@\s]+:([^@\s:]+)(?::[^@\s:]+:([^@\s:]+))?@`},
	{"type hmac-", `type[ \t]+hmac-\w+[ \t]+value[ \t]+(\S+)`},
	{"type blake2s", `type[ \t]+blake2s\w*[ \t]+value[ \t]+(\S+)`},
	{"community read", `community (?:read|write)(?: cipher| simple)? VALUE`},
	{"community write", `community (?:read|write)(?: cipher| simple)? VALUE`},
	{"key cipher", `key cipher VALUE$`},
	{"secret cipher", `secret cipher VALUE$`},
	{"-mode cipher", `-mode cipher VALUE$`},
	{"authentication-mode", `authentication-mode[ \t]+\S+(?:[ \t]+[0-9]+)?[ \t]+(?:plain|cipher|simple)[ \t]+(\S+)`},
	{"passwd ", `passwd[ \t]+(\S+)[ \t]+encrypted`},
	{"pre-shared-key address", `pre-shared-key address .{0,64}?key(?: [0-9])? (\S+)`},
	{"snmp-server host", `snmp-server host \S+(?: (?:traps|informs))?(?: version (?:1|2c|3 \w+))? ([^\s"']+)(?: [\w-]+)*$`},
	{"check_command", `check_command[ \t]+check_\w*(?:sql|ldap|ftp|imap|smtp|ssh|win|nt|vmware|oracle|http|mongo|redis)\w*![^!\s]+!([^!\s]+)`},
	{"sonar.login", `sonar\.login[ \t]*=[ \t]*(\S+)`},
	{"key <(echo ", `key <\(echo (?:-n )?["']?([^\s"'$)]+)`},
	{"enc ", `enc ["']?[\w()-]+["']? (0x[0-9a-f]{16,})`},
	{"auth ", `auth ["']?[\w()-]+["']? (0x[0-9a-f]{16,})`},
	{"auth-trunc ", `auth-trunc ["']?[\w()-]+["']? (0x[0-9a-f]{16,})`},
	{"aead ", `aead ["']?[\w()-]+["']? (0x[0-9a-f]{16,})`},
	{" -e ", ` -E [a-z0-9-]+-(?:cbc|ctr|gcm\S*) VALUE`},
	{" -a hmac-", ` -A hmac-\w+ VALUE`},
	{" key 0", ` key [0-9]{2} ([0-9a-fA-F]{32,})`},
	{"http ", `http[ \t]+[0-9.]+[ \t]+[0-9]+[ \t]+[^\s"]+[ \t]+([^\s"]+)$`},
	{"table ", `table \S*(?:cred|secret|pass)\S* \{ ?\S+ = [\w.@-]+:(\S+)`},
	{"d-i ", `d-i[ \t]+\S*(?:pass|secret|wireless_w)\S*[ \t]+(?:password|string)[ \t]+(\S.*)$`},
	{"community ", `community[ \t]+["']?([\w-]{3,})["']?[ \t]*\{`},
	{"failover ", `failover (?:ipsec pre-shared-)?key (?:hex )?(\S.*)$`},
	{"secure_link_md5", `secure_link_md5[ \t]+["']?(?:[$]\w+[ \t]*)*([^\s"';$]+)`},
	{"login", `login[ \t]*=[ \t]*(?:cleartext|des)[ \t]+(?:"([^"]+)"|([^\s"]+))`},
	{"enable", `enable[ \t]*=[ \t]*(?:cleartext|des)[ \t]+(?:"([^"]+)"|([^\s"]+))`},
	{"pap", `pap[ \t]*=[ \t]*(?:cleartext|des)[ \t]+(?:"([^"]+)"|([^\s"]+))`},
	{"chap", `chap[ \t]*=[ \t]*cleartext[ \t]+(?:"([^"]+)"|([^\s"]+))`},
	{"usmuser", `(?i)usmUser[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+(?:"[^"]*"|\S+)[ \t]+(?:"[^"]*"|\S+)[ \t]+\S+[ \t]+[.0-9]+[ \t]+("[^"]*"|\S+)[ \t]+[.0-9]+[ \t]+("[^"]*"|\S+)`},
	{"connect ", `(?i)connect[ \t]+["']?[\w$#]+/["']?([^@/\s"';]+)["']?(?:@|[ \t]+as[ \t]+sys)`},
	{"conn ", `(?i)conn[ \t]+["']?[\w$#]+/["']?([^@/\s"';]+)["']?(?:@|[ \t]+as[ \t]+sys)`},
	{"connect to ", `(?i)connect to \S+ user \S+ using ["']?([^\s"';]+)`},
	{"<master>", `<master>\s*\{?([^<}\s]+)`},
	{">{aq", `>\{(AQ[A-Za-z0-9+/=]{20,})\}<`},
	{"setcredential=", `(?i)setcredential=[\w.@-]+:(.{2,})$`},
	{"ipsec secret", `(?i)ipsec secret[ \t]+(\S+)$`},
	{"xauth password", `(?i)xauth password[ \t]+(\S+)$`},
	{"generated for ", `generated for [^\s:]+: (\S+)`},
	{" vhid ", ` vhid [0-9]+ .{0,60}?pass (\S+)`},
	{"--from-literal", `--from-literal[= ]["']?[\w.-]+=VALUE`},
	{"kv put ", `kv put (?:-\S+ )*\S+ (?:@\S+ )?["']?[\w.-]+=["']?([^\s"'@]+)["']?(?: ["']?[\w.-]+=["']?([^\s"'@]+))?(?: ["']?[\w.-]+=["']?([^\s"'@]+))?`},
	{"keyvault secret set", `keyvault secret set .{0,120}?--value[= ]VALUE`},
	{"put-parameter", `put-parameter .{0,160}?--value[= ]VALUE`},
	{"mc alias set", `mc alias set \S+ \S+ \S+ VALUE`},
	{"mc config host add", `mc config host add \S+ \S+ \S+ VALUE`},
	{"user set password", `user set password [0-9]+ VALUE`},
	{"node.session.auth.password", `node\.session\.auth\.password(?:_in)? -v VALUE`},
	{"net use ", `(?i)net use (?:\S: )?\\\\\S+ ([^\s/]\S+) /user`},
	{"iwconfig", `iwconfig \S+ .{0,60}?key (?:s:)?([^\s]{5,})`},
	{"samba-tool user", `samba-tool user (?:create|add) ([^\s-]\S*) ([^\s-]\S*)`},
	{"openssl passwd", `openssl passwd (?:-\S+ )*(?:-salt \S+ )?(?:-\S+ )*VALUE`},
	{"mkpasswd", `mkpasswd (?:-m \S+ |-\S+ |--\S+ )*VALUE`},
	{"sp_addlogin", `(?i)sp_addlogin\s+N?'[^']*'\s*,\s*N?'([^']+)'`},
	{"sp_password", `(?i)sp_password\s+(?:NULL|N?'([^']+)')\s*,\s*N?'([^']+)'`},
	{"isis password", `isis password (?:clear |md5 )?(\S+)`},
	{"area-password", `area-password (?:clear |md5 )?(\S+)`},
	{"domain-password", `domain-password (?:clear |md5 )?(\S+)`},
	{"ascii-text", `ascii-text ["']?([^\s"';]+)`},
	{"ntp authentication-key", `ntp authentication-key [0-9]+ md5 (\S+)`},
	{"password cipher", `password (?:irreversible-)?cipher (\S+)`},
	{"rabbitmqctl", `rabbitmqctl[ \t]+(?:-\S+[ \t]+)*(?:add_user|change_password)[ \t]+\S+[ \t]+VALUE`},
}

const quotedOrNot = `(?:"([^"\n]{2,})"|'([^'\n]{2,})'|([^\s"'-][^\s"']*))`

// directiveTriggers are those of the directives above.
func directiveTriggers() []trigger {
	var all []trigger
	for _, rule := range directiveRules {
		all = append(all, ruleTrigger(rule.text, rule.expression, "value of a directive"))
	}
	return append(all, trigger{"send ", (*scan).sent}, trigger{"send -- ", (*scan).sent}, trigger{":aa", (*scan).botToken}, trigger{".atlasv1.", (*scan).terraformToken}, trigger{"@tcp(", (*scan).dataSource}, trigger{"@unix(", (*scan).dataSource}, trigger{"@//", (*scan).easyConnect}, trigger{"user ", (*scan).transfer}, trigger{"user_", (*scan).loginModule}, trigger{"key ", (*scan).serverKey})
}

// ruleTrigger finds the groups of an expression that is met at a text.
func ruleTrigger(text, expression, rule string) trigger {
	return groupsTrigger(text, expression, rule, sure)
}

// groupsTrigger is ruleTrigger where what is found has to look more like a secret.
func groupsTrigger(text, expression, rule string, required strength) trigger {
	compiled := lazily(`^(?:` + strings.ReplaceAll(expression, "VALUE", quotedOrNot) + `)`)
	return trigger{text, func(s *scan, at int) {
		if s.format.is(noKeys) {
			return
		}
		m := compiled().FindSubmatchIndex(s.data[at:min(s.end, at+longWord)])
		for i := 2; i < len(m); i += 2 {
			if m[i] < 0 {
				continue
			}
			start, end := at+m[i], at+m[i+1]
			if end == at+longWord {
				end += wordLength(s.data[end:s.end], "")
			}
			value := string(s.data[start:min(end, start+longWord)])
			if s.inComment() && !isQuote(s.data[start-1]) && !looksStrong(value) {
				continue // a sentence, more often than a directive that is switched off
			}
			if end-start >= 2 && !s.isMarkAt(start) && isSecret(value, required) {
				s.add(start, end, rule)
			}
		}
	}}
}

// inComment reports whether the line begins with the sign of a comment.
func (s *scan) inComment() bool {
	line := bytes.TrimLeft(s.data[s.start:min(s.end, s.start+longestKey)], " \t")
	return len(line) > 0 && (line[0] == '#' || line[0] == ';' || isSlashComment(line) || bytes.HasPrefix(line, []byte("-- ")))
}

// isSlashComment reports whether a line begins with the sign of a comment of C, rather than with
// the name of a share: //host/share.
func isSlashComment(line []byte) bool {
	return bytes.HasPrefix(line, []byte("//")) && bytes.IndexByte(line[2:2+wordLength(line[2:], "")], '/') < 0
}

// sent finds what a script of expect(1) sends to a prompt for a password.
func (s *scan) sent(at int) {
	before := s.data[max(0, at-longestKey):at]
	start, end, ok := s.nextArgument(at + len("send"))
	if ok && s.text(start, 3) == "-- " {
		start, end, ok = s.nextArgument(start + 2)
	}
	if !ok || s.inComment() || !isQuote(s.data[start-1]) || !bytes.Contains(before, []byte("assword")) && !bytes.Contains(before, []byte("assphrase")) {
		return
	}
	for _, tail := range []string{`\n`, `\r`} {
		if bytes.HasSuffix(s.data[start:end], []byte(tail)) {
			end -= len(tail)
		}
	}
	if start < end && isSecret(string(s.data[start:min(end, start+longWord)]), sure) {
		s.add(start, end, "argument of a call")
	}
}

// terraformToken finds a token whose first part stands before the text by which it is known.
func (s *scan) terraformToken(at int) {
	start, end := at, at+len(".atlasv1.")
	for start > max(s.start, at-longestKey) && isAlnum(s.data[start-1]) {
		start--
	}
	for end < s.end && end < at+2*longestKey && (isKeyByte(s.data[end]) || s.data[end] == '=') {
		end++
	}
	if at-start >= 8 && end-at >= 30 {
		s.add(start, end, "token")
	}
}

// botToken finds a token of Telegram, which begins with a number.
func (s *scan) botToken(at int) {
	start := at
	for start > max(s.start, at-12) && isDigit(s.data[start-1]) {
		start--
	}
	end := at + 1
	for end < s.end && end < at+64 && isKeyByte(s.data[end]) {
		end++
	}
	if at-start >= 8 && end-at >= 34 {
		s.add(start, end, "token")
	}
}

// dataSource finds the password in user:password@tcp(host)/database.
func (s *scan) dataSource(at int) {
	before := s.data[max(s.start, at-longestKey*2):at]
	word := before[bytes.LastIndexAny(before, "\t\"'=`(")+1:]
	if s.data[at-len(word)-min(1, at-len(word))] != '"' { // a password has blanks in quotes at most
		word = word[bytes.LastIndexByte(word, ' ')+1:]
	}
	if i := bytes.IndexByte(word, ':'); i > 0 && i+2 < len(word) && !bytes.Contains(word, []byte("[redacted")) {
		s.add(at-len(word)+i+1, at, "password in a URL")
	}
}

// easyConnect finds the password in user/password@//host of Oracle.
func (s *scan) easyConnect(at int) {
	before := s.data[max(s.start, at-longestKey):at]
	word := before[bytes.LastIndexAny(before, " \t\"'=`(")+1:]
	if i := bytes.IndexByte(word, '/'); i > 0 && bytes.Count(word, []byte("/")) == 1 && bytes.IndexByte(word, ':') < 0 && len(word)-i > 2 {
		s.argumentValue(argument{at - len(word) + i + 1, at}, false)
	}
}

// transfer finds the password in a script of ftp(1): user name password, below open or ftp.
func (s *scan) transfer(at int) {
	words := wordsOf(s.data[at:min(s.end, at+longestKey)])
	above := bytes.TrimSpace(s.data[max(0, s.start-longestKey):s.start])
	above = above[bytes.LastIndexByte(above, '\n')+1:]
	if at != s.start+s.indent(s.start) || len(words) != 3 || !bytes.HasPrefix(above, []byte("open ")) && !bytes.Contains(above, []byte("ftp ")) {
		return
	}
	s.argumentValue(argument{at + words[2][0], at + words[2][1]}, false)
}

var serverKey = regexp.MustCompile(`^key(?:[ \t]+[0-9])?[ \t]+([^\s"']{4,})$`)

// serverKey finds the key of a server of TACACS or RADIUS that stands in a line of its own below
// the server's name.
func (s *scan) serverKey(at int) {
	if at != s.start+s.indent(s.start) || at == s.start {
		return
	}
	m := serverKey.FindSubmatchIndex(s.data[at:min(s.end, at+longestKey)])
	if m != nil && bytes.Contains(s.data[max(0, s.start-nearby):s.start], []byte("server")) {
		s.argumentValue(argument{at + m[2], at + m[3]}, false)
	}
}

var moduleUser = regexp.MustCompile(`^user_[\w.-]{1,64}[ \t]*=[ \t]*"([^"\n]{2,})"`)

// loginModule finds the passwords of users in a configuration of JAAS: user_alice="x".
func (s *scan) loginModule(at int) {
	m := moduleUser.FindSubmatchIndex(s.data[at:min(s.end, at+longWord)])
	if m != nil && bytes.Contains(s.data[max(0, at-longWord):at], []byte("LoginModule")) {
		s.argumentValue(argument{at + m[2], at + m[3]}, false)
	}
}

// portOrVersion: "kpasswd 464/tcp" of services(5), "passwd 1:4.13" of a list of packages.
var portOrVersion = regexp.MustCompile(`^[0-9]+[/:.][\w.+~-]*$`)

var typeDigit = regexp.MustCompile(`^[0-9]{1,2}[ \t]+\S`)

// userBefore: user x password y, where the password may be any word.
var userBefore = regexp.MustCompile(`(?i)(?:^|[\s,;{(])(?:login|user|username|account|userid|uid|machine|authname|bind|binddn|name)[ \t]*[ =:]?[ \t]*\S+[ \t,;]+(?:there[ \t]+)?(?:with[ \t]+|is[ \t]+)?(?:insecure-|encrypted[ \t]+)?["']?$`)

// namesUser reports whether a text holds a part of each word that userBefore looks for.
func namesUser(text []byte) bool {
	for i := range len(text) - 2 {
		switch lower(text[i]) {
		case 'u', 'l', 'n', 'm', 'b', 'a':
			for _, word := range []string{"user", "uid", "login", "name", "machine", "bind", "account"} {
				if hasFold(text[i:], word) {
					return true
				}
			}
		}
	}
	return false
}

// debconf: passwd/root-password password x.
var debconf = regexp.MustCompile(`(?i)[a-z0-9-]+/[a-z0-9/_-]{0,40}(?:pass|secret|token)[a-z0-9_-]{0,40}[ \t]+$`)

// directive finds a value behind a key and blanks: requirepass x. It is the last that is tried.
func (s *scan) directive(k key) bool {
	pos := k.end
	if k.closed {
		pos += len(k.quote)
	}
	start := s.blanks(pos)
	if start == pos || start >= s.end || k.quote != "" && !k.closed {
		return false
	}
	if s.data[start] == '{' && k.strength == plain { // tokens { agent = "x" }
		s.mapping(assignment{key: k}, s.data[start:min(len(s.data), start+1<<11)], start)
	}
	if k.strength < sure && (k.strength != likely || !k.first || !looksRandom(string(s.data[start:min(s.end, start+longestKey)]))) {
		return false
	}
	if typeDigit.MatchString(s.text(start, 8)) {
		start = s.blanks(start + wordLength(s.data[start:s.end], ""))
	}
	open, quote := s.opened(start)
	end, behind := 0, 0
	if quote != "" {
		start = open
		end = start + quotedLength(s.data[start:s.end], quote)
		behind = min(s.end, end+len(quote))
	} else {
		end = start + wordLength(s.data[start:s.end], ";")
		behind = end
	}
	text := string(s.data[start:min(end, start+longWord)])
	if !isSecret(text, sure) || portOrVersion.MatchString(text) || quote == "" && strings.ContainsAny(text[:1], "=!<>([{|&,.:?)") {
		return false
	}
	if tail := lineLength(s.data[start:min(s.end, start+2*longestKey)]); quote == "" && s.isSeveralWords(k, s.data[start:start+tail]) {
		s.add(start, start+tail, "value of a directive")
		s.done = max(s.done, start+tail)
		return true
	}
	if s.isDirective(k, text, quote != "", s.data[behind:s.end]) {
		s.add(start, end, "value of a directive")
		s.done = max(s.done, end)
		return true
	}
	return s.bootPassword(k, start)
}

// isDirective says whether a word behind a key and a blank is its value, rather than the next
// word of a sentence, a control of PAM, or an option.
func (s *scan) isDirective(k key, text string, quoted bool, rest []byte) bool {
	rest = bytes.TrimLeft(rest[:min(len(rest), longestKey)], " \t;,)}]")
	last := len(rest) == 0 || rest[0] == '#' || bytes.HasPrefix(rest, []byte("//"))
	before := s.data[max(s.start, k.start-longestKey):k.start]
	switch {
	case s.format.is(prose), !quoted && bytes.HasPrefix(rest, []byte("{")), !quoted && strings.Contains(text, `="`):
		return false
	case quoted && strings.ContainsAny(text, " \t") && !k.first, !quoted && !k.first && strings.ContainsAny(text, "\\[]<"):
		return false
	case !k.first && (!k.comment || last) && namesUser(before) && userBefore.Match(before):
		return true
	case last && bytes.IndexByte(before, '/') >= 0 && debconf.Match(before):
		return true
	case k.comment && !quoted:
		return last && k.first && looksStrong(text)
	case (strings.HasPrefix(k.name, "X-") || strings.HasPrefix(k.name, "x-")) && bytes.Contains(bytes.ToLower(before), []byte("header")):
		return true
	case quoted:
		return k.first && (last || !strings.ContainsAny(text, " \t")) || looksStrong(text)
	case last && k.first:
		return s.format.is(directives) || k.name == "password" && len(text) > 5 || isSpecific(k.name) || looksStrong(text)
	case last && s.format.is(directives) && bytes.IndexByte(before, '{') >= 0 && bytes.HasSuffix(bytes.TrimRight(s.data[s.start:s.end], " \t"), []byte("}")):
		return true // client c { host h secret x }
	case last && s.isDevice() && !aboutSecrets[strings.ToLower(text)]:
		return true
	case k.first:
		return looksStrong(text) && len(bytes.Fields(rest)) < 4
	}
	return looksStrong(text) && (last || !s.isSentence(before))
}

// isSeveralWords reports whether the value behind a directive's name is a pass phrase, with
// blanks and without quotes.
func (s *scan) isSeveralWords(k key, value []byte) bool {
	if !k.first || k.comment || !s.format.is(directives) || !isSpecific(k.name) || len(value) > longestKey || bytes.ContainsAny(value, "=/{}()[]<>;:,|&\"'") {
		return false
	}
	n := len(bytes.Fields(value))
	return 1 < n && n < 4
}

// What lines of the configurations of routers and switches begin with.
var deviceWords = wordSet("enable username ppp ip set snmp-server ikev1 ikev2 neighbor crypto tunnel-group passwd aaa-server local-user wpa-psk isakmp radius tacacs")

// isDevice reports whether the line looks like one of the configuration of a router or a switch, where
// a password is what stands last.
func (s *scan) isDevice() bool {
	line := bytes.TrimLeft(s.data[s.start:min(s.end, s.start+longestKey)], " \t")
	word := line[:wordLength(line, "")]
	return len(word) < len(line) && deviceWords[string(word)]
}

// isSentence: several words of letters.
func (s *scan) isSentence(before []byte) bool {
	words := bytes.Fields(before)
	return len(words) > 4
}

// isSpecific: names that no sentence begins with.
func isSpecific(name string) bool {
	parts := partsOf(name)
	return len(parts) > 1 || strings.HasSuffix(name, "pw") || len(name) > 6 && name != "password" && name != "secret" && name != "passphrase" && name != "community" && !strings.HasSuffix(name, "s")
}

var told = regexp.MustCompile(`^(?:[ \t]+[\w'()/.-]+){0,6}?(?:[ \t]*[:=]|[ \t]+(?:is|was|to|now))[ \t]+["']?([^\s"']{6,})["']?[.)]?[ \t]*$`)

// told finds a password that a sentence tells: the old password was x.
func (s *scan) told(k key) bool {
	if k.strength < sure || k.quote != "" {
		return false
	}
	if s.data[max(s.start, s.end-1)] == ':' {
		return s.toldBelow(k)
	}
	line := bytes.TrimRight(s.data[k.end:min(s.end, k.end+nearby)], " \t\"'.)")
	last := line[bytes.LastIndexAny(line, " \t")+1:]
	if len(last) < 6 || !bytes.ContainsAny(last, "0123456789") || len(last) == len(line) {
		return false
	}
	m := told.FindSubmatchIndex(s.data[k.end:min(s.end, k.end+nearby)])
	if m == nil {
		return false
	}
	start, end := k.end+m[2], k.end+m[3]
	text := string(s.data[start:end])
	if lowers, uppers, digits, others, _ := classes(text); lowers == 0 || digits == 0 || uppers == 0 && others == 0 && lowers < 4 || !looksStrong(text) || portOrVersion.MatchString(text) {
		return false
	}
	return s.addIfSecret(k, start, end, "told in a sentence")
}

// toldBelow finds a password in the line below a sentence that announces it.
func (s *scan) toldBelow(k key) bool {
	from, to, ok := s.nextLine(s.end)
	if ok && from == to {
		from, to, ok = s.nextLine(from)
	}
	if !ok {
		return false
	}
	text := bytes.TrimSpace(s.data[from:min(to, from+longWord)])
	if len(text) < 8 || !isAlnum(text[0]) || bytes.ContainsAny(text, " \t:=()") || !bytes.ContainsAny(text, "0123456789") || !looksStrong(string(text)) {
		return false
	}
	start := from + bytes.Index(s.data[from:to], text)
	return s.addIfSecret(k, start, start+len(text), "told in a sentence")
}

// bootPassword finds the password of GRUB: password user x.
func (s *scan) bootPassword(k key, start int) bool {
	if !k.first || k.comment || k.name != "password" || !s.format.is(bootLoader) {
		return false
	}
	words := wordsOf(s.data[start:min(s.end, start+nearby)])
	if len(words) != 2 {
		return false
	}
	return s.addIfSecret(k, start+words[1][0], start+words[1][1], "value of a directive")
}
