package collect

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hostfs"
)

// ErrSecrets is the error of a file that is never read: it is there to hold secrets, and what
// is left of such a file without them is not worth the risk that one is overlooked.
//
// No setting allows one. Who wants to know something of such a file has a command that
// prints just that: agent.commands, {run: [cut, -d:, "-f1,3-", /etc/shadow]}.
var ErrSecrets = errors.New("holds secrets")

// What holds secrets is told by its name: the one that an administrator has written, what
// each link on the way says, and the path to the file without links. All are compared in lower
// case, and without what editors and package managers append to a copy.

// secretNames are the last components of names.
var secretNames = strings.Fields(`
	shadow gshadow master.passwd opasswd .htpasswd htpasswd .htdigest htdigest userdb userdb.dat sasldb2 sasldb2.db
	secrets.tdb passdb.tdb schannel_store.tdb smbpasswd sam.ldb authkey authkeys

	.netrc _netrc netrc .authinfo .pgpass pgpass.conf .my.cnf .mylogin.cnf debian.cnf .fetchmailrc fetchmailrc .msmtprc .esmtprc
	.git-credentials .pypirc .npmrc .yarnrc .yarnrc.yml .s3cfg .boto .dockercfg auth.json .vault-token .terraformrc .databrickscfg
	.smbcredentials .passwd-s3fs passwd-s3fs rclone.conf .rclone.conf application_default_credentials.json clouds.yaml secure.yaml
	.erlang.cookie .xauthority .iceauthority .esd_auth .google_authenticator users.oath acme.json
	kubeconfig k3s.yaml rke2.yaml settings-security.xml userlist.txt passwd.client sasl_passwd sasl_passwd.db
	wpa_supplicant.conf hostapd.wpa_psk psk.txt upsd.users users.acl passwords.dat wallet.dat passwd.db
	key3.db key4.db logins.json signons.sqlite cookies.sqlite secring.gpg anaconda-ks.cfg original-ks.cfg
	instance-data-sensitive.json encrypted_data_bag_secret initial_root_password initialadminpassword
	.viminfo .lesshst .histfile fish_history .dbshell
	password passwords .password .passwords password.txt passwords.txt .secret .secrets token .token tokens.csv
	credentials .credentials credentials.json credentials.xml credentials.toml credentials.yaml credentials.yml credentials.db
	secrets.yml secrets.yaml secrets.json secrets.toml keyfile passphrase user-data.txt resource.cfg`)

// secretKinds match the last components of names.
var secretKinds = strings.Fields(`
	*.keytab krb5cc_* .k5.* *.jks *.jceks *.bcfks *.keystore *.truststore *.p12 *.pfx *.pkcs12 *.p8 *.pk8 *.kdb *.kdbx *.psafe3 *.kwl *.keyring
	*.key *-key.pem *_key.pem key.pem *.key.pem privkey*.pem *private_key* *.private *.priv *.ppk *.psk *.wpa_psk *.tsig *.tfstate
	id_rsa* id_dsa* id_ecdsa* id_ed25519* id_xmss* ssh_host_*_key dropbear_*_host_key *secret_key
	*.secret *.secrets *-secrets *[-_]secrets.json *[-_]secrets.y*ml *[-_]secret *_password *.password *[-_]token *.token *.oath
	*vault-pass* *vault_pass* .vault*pass* *keyfile.bin *[-_.]keyfile *.luks *-openrc* *_openrc* keystonerc* .openrc
	.*history .*_hist .*hist .*history-*
	*cifs*cred* *smb*cred* *vncpasswd* *sensitive.json *preseed*.cfg *.kubeconfig *.wrapped-passphrase`)

// secretPlaces match whole names; * matches / as well.
var secretPlaces = strings.Fields(`
	/proc/*/environ /proc/kcore /run/secrets* /run/credentials/* /run/agenix* /run/credstore* */credstore/* */credstore.encrypted/*
	*/var/lib/*/secrets/* */etc/*/secrets/* */davfs2/secrets */.davfs2/secrets */credentials.d/*
	*/private_keys/* */private-keys-v1.d/* */ssl/private/* */tls/private/* */etc/tcb/*

	*/.ssh/* */etc/dropbear/* */.gnupg/* */.password-store/* */.local/share/keyrings/* */kwalletd/* */.pki/* */.mozilla/* */.thunderbird/*
	*/.config/google-chrome*/* */.config/chromium/* */.vnc/*passwd* */.ecryptfs/* */.fscrypt/protectors/* */.yubico/* */.putty/*
	*/.aws/credentials* */.aws/*cache/* */.config/gcloud/* */.azure/* */.oci/*.pem */.kube/* */.docker/*.json */.config/gh/hosts.yml
	*/.config/glab-cli/* */.config/doctl/* */.config/hub */.config/git/credentials */.cargo/credentials* */.gem/credentials* */.m2/settings.xml
	*/.terraform.d/credentials* */.acme.sh/* */.netlify/* */.fly/* */.snowsql/* */.local/share/fish/* */.zsh_sessions/* */.bash_sessions/*

	*/etc/kubernetes/*.conf */etc/kubernetes/pki/* */var/lib/kubelet/* */var/lib/rancher/*/server/* */var/lib/etcd/*
	*/etc/rancher/*/*.yaml */docker/key.json */docker/containers/*config.v2.json */docker/swarm/* */etc/origin/*.kubeconfig

	*/etc/wireguard/* */etc/amnezia/* */wpa_supplicant/* */system-connections/* */network-scripts/keys-* */var/lib/iwd/* */ipsec.d/private/*
	*/swanctl/private/* */swanctl/rsa/* */swanctl/ecdsa/* */swanctl/pkcs8/* */swanctl/pkcs12/* */var/lib/tailscale/* */etc/vpnc/*
	*/openvpn/*pass* */openvpn/*auth*.txt */openvpn/*cred* */etc/xl2tpd/*secrets* */stunnel/*psk* */etc/cups/ssl/* */cups/passwd.md5

	*/var/lib/sss/secrets/* */var/lib/sss/db/* */var/lib/sss/keytabs/* */sssd/*secret* */var/lib/samba/private/* */samba/*.tdb */samba/*cred*
	*/krb5kdc/principal* */krb5kdc/*.k5* */krb5kdc/stash */var/lib/ldap/* */etc/ldap*secret* */dirsrv/*pin.txt */dirsrv/*pwdfile* */etc/ipa/nssdb/*
	*/freeradius/*users */freeradius/*authorize */freeradius/*clients.conf */freeradius/*proxy.conf */freeradius/*certs/*
	*/raddb/*users */raddb/*authorize */raddb/*clients.conf */raddb/*proxy.conf */raddb/*certs/* */raddb/server */radcli/servers
	*/radiusclient*/servers */tac_plus.conf */tacplus_servers */dovecot/users */dovecot/passwd* */courier/*auth* */etc/mail/auth*
	*/postfix/*sasl*pass* */opendkim/keys/* */dkimkeys/* */nullmailer/remotes */var/lib/*snmp/*.conf */nagios*/private/*
	*/var/lib/tpm* */tpm2*/*.ctx */var/lib/tpm2-tss/* */swtpm*/* */cryptsetup-keys.d/* */etc/luks/* */luks-keys/* */etc/keys/* */var/db/tang/*
	*/var/lib/tang/* */sbctl/keys/* */letsencrypt/accounts/* */letsencrypt/*.ini */var/lib/tor/* */dehydrated/*accounts/*
	*/apt/auth.conf* */cloud/*user-data* */cloud/*vendor-data* */cloud/*cloud-config.txt */cloud/*obj.pkl */grub*/user.cfg
	*/systemd/coredump/* */var/crash/* */jenkins/credentials.xml */var/lib/prosody/*accounts/* */pgbouncer/*auth* */etc/redis/*.acl
	*/etc/sysops/acl/* */etc/sysops/*password* */etc/sysops/snmp*`)

// publicNames match what is no secret, although a pattern above says so: * matches / as well.
var publicNames = strings.Fields(`
	*.pub *.pub.pem *.crt */.ssh/authorized_keys* */.ssh/known_hosts* */.ssh/config */.ssh/config.d/* */.ssh/rc */apt/keyrings/* */apt/trusted.gpg.d/*
	/usr/share/keyrings/* */rpm-gpg/* */bind/k*.+[0-9]*.key */etc/pam.d/* /usr/share/doc/* /usr/share/man/* */bash-completion/*`)

// copyOf is what editors, package managers and people append to the name of a copy.
var (
	copyOf  = regexp.MustCompile(`(?:~|-|[-._](?:bak|back|backup|old|orig|saved?|sav|copy|new|tmp|gz|xz|bz2|zst|lock|(?:dpkg|ucf|rpm|apk|pac)[a-z-]*|[0-9_-]+))+$`)
	vimSwap = regexp.MustCompile(`^\.(.+)\.sw[a-p]$`)
)

// A secrecy decides which files hold secrets.
type secrecy struct {
	names                 map[string]bool
	kinds, places, public globs
	own                   map[string]bool // the agent's own, by path
	inodes                map[inode]bool  // of files under well-known names, whatever else they are called
}

func newSecrecy(own []string) *secrecy {
	s := &secrecy{
		names: make(map[string]bool), kinds: newGlobs(secretKinds), places: newGlobs(secretPlaces), public: newGlobs(publicNames),
		own: make(map[string]bool), inodes: make(map[inode]bool),
	}
	for _, name := range secretNames {
		s.names[name] = true
	}
	for _, path := range own {
		if path, err := filepath.Abs(path); err == nil {
			s.own[path] = true
		}
	}
	return s
}

// file reports whether the file at a place, published under name, holds secrets.
func (s *secrecy) file(name string, at hostfs.Place) bool {
	if s.name(name) || at.Real != name && s.name(at.Real) {
		return true
	}
	for _, way := range at.Ways {
		if way != name && way != at.Real && s.name(way) {
			return true
		}
	}
	return s.inodes[inodeOf(at.Info)]
}

// name reports whether what is called so holds secrets.
func (s *secrecy) name(name string) bool {
	if s.own[name] {
		return true
	}
	name = strings.ToLower(name)
	folder, base := filepath.Split(name)
	original := copyOf.ReplaceAllString(base, "")
	if vim := vimSwap.FindStringSubmatch(base); vim != nil {
		original = vim[1]
	}
	if original == "" || original == base {
		return s.tells(folder, base) && !s.public.match(name)
	}
	return (s.tells(folder, base) || s.tells(folder, original)) && !s.public.match(name, folder+original)
}

func (s *secrecy) tells(folder, base string) bool {
	return s.names[base] || s.kinds.match(base) || s.places.match(folder+base)
}

// wellKnown are the files whose other names, hard links and places where they are
// mounted, are known by what they are. All lie where a host keeps its own files: to look
// for them asks no file server.
var wellKnown = strings.Fields(`
	/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/security/opasswd /etc/krb5.keytab /etc/sasldb2 /etc/ssh/ssh_host_*_key
	/etc/ipsec.secrets /etc/ipsec.d/private/* /etc/swanctl/private/* /etc/ppp/*-secrets /etc/wireguard/* /etc/wpa_supplicant/*
	/etc/NetworkManager/system-connections/* /etc/ssl/private/* /etc/pki/tls/private/* /etc/kubernetes/*.conf /etc/kubernetes/pki/*
	/etc/bind/rndc.key /etc/apt/auth.conf /etc/apt/auth.conf.d/* /etc/mysql/debian.cnf /etc/postfix/sasl_passwd /etc/munge/munge.key
	/etc/corosync/authkey /etc/cryptsetup-keys.d/* /etc/samba/*.tdb /etc/openvpn/*.key /etc/redis/*.acl /etc/sysops/*
	/root/.netrc /root/.pgpass /root/.my.cnf /root/.git-credentials /root/.pypirc /root/.npmrc /root/.bash_history /root/.ssh/* /root/.gnupg/*
	/root/.aws/credentials /root/.kube/config /root/.docker/config.json /root/.azure/* /root/.config/gcloud/*
	/var/backups/*shadow* /var/lib/samba/private/* /var/lib/sss/secrets/* /var/lib/sss/db/* /var/cache/debconf/passwords.dat`)

// know looks for the files that are well known, and the agent's own, so that they are known
// under other names.
func (s *secrecy) know(root *hostfs.Folder) {
	paths := make([]string, 0, len(wellKnown))
	for _, pattern := range wellKnown {
		paths = append(paths, glob(root, "/", strings.Split(strings.TrimPrefix(pattern, "/"), "/"))...)
	}
	for path := range s.own {
		paths = append(paths, path)
	}
	for _, path := range paths {
		if !s.name(path) {
			continue
		}
		if at, err := root.Find(path, true); err == nil && at.Info.Mode().IsRegular() {
			s.inodes[inodeOf(at.Info)] = true
		}
	}
}
