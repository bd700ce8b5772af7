package collect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNamesOfFilesThatHoldSecrets(t *testing.T) {
	s := newSecrecy([]string{"/etc/own/key-of-ours"})
	for _, name := range strings.Fields(`
		/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/security/opasswd /var/backups/shadow.bak /var/backups/gshadow.bak /etc/shadow.dpkg-old
		/etc/.shadow.swp /srv/chroot/etc/shadow /etc/shadow~ /etc/shadow.1.gz /etc/shadow_old /etc/shadow-20260102 /etc/tcb/alice/shadow /var/lib/extrausers/shadow /etc/apache2/.htpasswd
		/etc/krb5.keytab /etc/apache2/http.keytab /tmp/krb5cc_1000 /var/lib/krb5kdc/principal /etc/krb5kdc/stash /var/lib/krb5kdc/.k5.EXAMPLE.COM
		/root/.netrc /home/alice/.pgpass /root/.my.cnf /etc/mysql/debian.cnf /root/.mylogin.cnf /root/.git-credentials /root/.config/git/credentials
		/home/alice/.pypirc /home/alice/.npmrc /root/.docker/config.json /run/containers/0/auth.json /home/alice/.kube/config /etc/kubernetes/admin.conf
		/etc/kubernetes/pki/ca.key /var/lib/kubelet/pki/kubelet-client-current.pem /etc/rancher/k3s/k3s.yaml /root/.aws/credentials
		/root/.config/gcloud/access_tokens.db /home/alice/.azure/msal_token_cache.json /root/.vault-token /etc/ansible/.vault_pass
		/opt/app/store.jks /opt/app/store.p12 /opt/app/store.pfx /home/alice/Passwords.KDBX /opt/app/store.pkcs12 /etc/app/truststore.bcfks
		/etc/ssh/ssh_host_ed25519_key /home/alice/.ssh/id_rsa /home/alice/.ssh/work /root/.ssh/config_key /root/.ssh/id_ed25519.old /etc/dropbear/dropbear_rsa_host_key
		/etc/ssl/private/web.pem /etc/pki/tls/private/web.pem /etc/letsencrypt/live/x/privkey.pem /etc/nginx/site.key /home/alice/putty.ppk
		/etc/wireguard/wg0.conf /etc/wpa_supplicant/wpa_supplicant.conf /etc/wpa_supplicant/wpa_supplicant-wlan0.conf
		/etc/NetworkManager/system-connections/home.nmconnection /run/NetworkManager/system-connections/x /etc/sysconfig/network-scripts/keys-eth0
		/proc/1/environ /proc/self/environ /proc/self/task/1/environ /proc/kcore /var/lib/sss/secrets/secrets.ldb /var/lib/sss/db/cache_x.ldb
		/var/lib/samba/private/secrets.tdb /var/lib/samba/private/sam.ldb.d/x.ldb /etc/ipsec.secrets /etc/ppp/chap-secrets /etc/ppp/pap-secrets
		/etc/sasldb2 /etc/postfix/sasl/sasl_passwd /etc/postfix/sasl_passwd.db /etc/freeradius/3.0/users /etc/freeradius/3.0/clients.conf
		/etc/freeradius/3.0/mods-config/files/authorize /etc/raddb/clients.conf /etc/bind/rndc.key /etc/bind/Kexample.com.+013+1.private
		/run/secrets/db /run/credentials/x.service/db /etc/credstore/db /var/lib/systemd/credential.secret /etc/cryptsetup-keys.d/data.key
		/crypto_keyfile.bin /etc/luks/data /var/lib/tpm/system.data /root/.bash_history /home/alice/.mysql_history /root/.psql_history /root/.viminfo
		/etc/apt/auth.conf /etc/apt/auth.conf.d/x.conf /etc/munge/munge.key /etc/corosync/authkey /etc/rsyncd.secrets /var/cache/debconf/passwords.dat
		/var/lib/snmp/snmpd.conf /etc/redis/users.acl /etc/ceph/ceph.client.admin.keyring /root/.gnupg/secring.gpg /root/.password-store/x.gpg
		/var/lib/cloud/instance/user-data.txt /var/lib/tor/hs/hs_ed25519_secret_key /var/lib/rabbitmq/.erlang.cookie /root/.Xauthority
		/etc/sysops/redact.key /etc/sysops/password /etc/sysops/acl/host:web1 /etc/sysops/snmp.yaml /etc/own/key-of-ours /etc/SHADOW`) {
		if !s.name(name) {
			t.Errorf("%s is read", name)
		}
	}
	for _, name := range append(Policy(), strings.Fields(`
		/etc/passwd /etc/passwd- /etc/group- /etc/pam.d/common-password /etc/pam.d/passwd /etc/ssh/sshd_config /etc/ssh/ssh_host_rsa_key.pub
		/home/alice/.ssh/authorized_keys /root/.ssh/authorized_keys2 /home/alice/.ssh/known_hosts /root/.ssh/config /root/.ssh/id_rsa.pub /root/.ssh/id_rsa.pub.bak
		/etc/ssl/certs/ca-certificates.crt /etc/apt/trusted.gpg.d/x.key /etc/apt/keyrings/x.key /etc/pki/rpm-gpg/x.key /etc/sssd/sssd.conf
		/etc/krb5.conf /etc/krb5.conf.d/x /etc/mysql/my.cnf /etc/my.cnf /etc/docker/daemon.json /etc/freeradius/3.0/radiusd.conf /etc/samba/smb.conf
		/etc/ipsec.conf /etc/ppp/options /etc/bind/named.conf /etc/postfix/main.cf /etc/NetworkManager/NetworkManager.conf /etc/crypttab
		/etc/snmp/snmpd.conf /etc/redis/redis.conf /etc/sysops/config.yaml /etc/default/keyboard /etc/apt/apt.conf.d/50x /etc/history.conf /etc/shadow.d/x
		/proc/cmdline /proc/1/cmdline /proc/keys /sys/class/tpm/tpm0/x /etc/securetty /etc/keyutils.conf /etc/tokens/readme /etc/kubernetes/manifests/x.yaml`)...) {
		if s.name(name) {
			t.Errorf("%s is left out", name)
		}
	}
}

// expectSecrets lists, and wants each name to be left out as one that holds secrets, and
// others to be there.
func (h *host) expectSecrets(left, there []string) {
	h.t.Helper()
	s := h.list()
	for _, name := range left {
		if slices.Contains(h.names(s), name) {
			h.t.Errorf("%s is sent", name)
		}
		path := name
		if !filepath.IsAbs(path) {
			path = h.path(path)
		}
		i := slices.IndexFunc(s.Problems, func(p Problem) bool { return p.Error() == path+" is left out: holds secrets" })
		if i < 0 || !errors.Is(s.Problems[i], ErrSecrets) {
			h.t.Errorf("%s: nothing is said of it: %v", name, s.Problems)
		}
	}
	for _, name := range there {
		if !slices.Contains(h.names(s), name) {
			h.t.Errorf("%s is not sent: %v", name, s.Problems)
		}
	}
}

func TestWhateverLeadsToWhatHoldsSecretsItIsNotRead(t *testing.T) {
	h := newHost(t)
	h.write("etc/shadow", "x")
	h.write("etc/passwd", "x")
	h.write("etc/wireguard/wg0.conf", "x")
	h.write("data/plain", "x")
	h.write("data/below/any", "x")

	h.link("outgoing/1", h.path("etc")) // by walking
	h.link("outgoing/2", h.path("a/b"))
	h.link("a/b", "../c") // by links of links, relative ones too
	h.link("c", h.path("etc/shadow"))
	h.link("outgoing/3", h.path("data/id_rsa")) // by what the administrator wrote
	h.link("data/id_rsa", "plain")
	h.link("outgoing/4", h.path("d"))
	h.link("d", h.path("keys/wg")) // by what a link on the way says
	h.link("keys/wg", h.path("etc/wireguard.d"))
	h.link("etc/wireguard.d", h.path("etc/wireguard/"))
	h.link("outgoing/5", h.path("e"))
	h.link("e", h.path("root/.gnupg"))
	h.link("root/.gnupg", h.path("data")) // and below
	h.write("outgoing/.netrc", "x")
	h.link("outgoing/6", "/proc/self/environ")
	h.expectSecrets([]string{
		"etc/shadow", "etc/wireguard/wg0.conf", "a/b", "data/id_rsa", "d/wg0.conf", "e/plain", "e/below/any", "outgoing/.netrc", "/proc/self/environ",
	}, []string{"etc/passwd"})
}

// A hard link, and a mount, is another name of the same file.
func TestAnotherNameOfWhatHoldsSecretsIsNotRead(t *testing.T) {
	h := newHost(t)
	h.options.Secrets = []string{h.write("own/anything", "x")}
	h.must(os.Link(h.path("own/anything"), h.write("etc/other", "x")+".link"))
	h.must(os.Symlink("/etc/shadow", h.path("etc/by-link")))
	h.write("etc/mounted", "x")
	h.must(unix.Mount("/etc/shadow", h.path("etc/mounted"), "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(h.path("etc/mounted"), unix.MNT_DETACH) })
	h.link("outgoing/1", h.path("etc"))
	h.link("outgoing/2", h.path("own"))
	h.expectSecrets([]string{"etc/other.link", "etc/by-link", "etc/mounted", "own/anything"}, []string{"etc/other"})
}

// What was looked at may be another file by the time it is read.
func TestWhatHoldsSecretsByTheTimeItIsReadIsNotRead(t *testing.T) {
	h := newHost(t)
	h.write("etc/shadow", "x")
	h.link("outgoing/1", h.path("etc/app.conf"))
	h.write("etc/app.conf", "x")
	source := h.list().Sources[0]
	h.must(os.Remove(h.path("etc/app.conf")))
	h.link("etc/app.conf", "shadow")
	content, err := source.Read(t.Context())
	if !errors.Is(err, ErrSecrets) || err.Error() != "holds secrets" || len(content.Data) > 0 {
		t.Errorf("%q, %v", content.Data, err)
	}
}

func TestAJSONObjectThatHoldsSecretsIsNotRead(t *testing.T) {
	h := newHost(t)
	h.options.JSON = h.path("hw.json")
	h.link("hw.json", h.write("etc/shadow", `{"a": "b"}`))
	h.expectSecrets([]string{"hw.json"}, nil)
	if names := h.names(h.list()); len(names) > 0 {
		t.Errorf("%q", names)
	}
}

// Nothing of what a push cannot do without is left out where it is read by links.
func TestNoFileOfThePolicyHoldsSecrets(t *testing.T) {
	s := newSecrecy(nil)
	for _, dir := range []string{"/etc/pam.d", "/etc/sysctl.d", "/etc/cron.daily", "/etc/default", "/etc/systemd", "/etc/security"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && s.name(path) && filepath.Base(path) != "opasswd" {
				t.Errorf("%s is left out", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
