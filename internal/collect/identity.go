package collect

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
)

// HostName returns this machine's name as the cache knows it: the kernel's,
// lower-cased, with domain appended where it has no dot and domain is not
// empty. The error wraps [naming.ErrBadHost] where that is no host name.
func HostName(domain string) (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("cannot find this machine's host name: %w", err)
	}
	return qualify(name, domain)
}

func qualify(name, domain string) (string, error) {
	if domain = strings.Trim(domain, "."); domain != "" && !strings.Contains(name, ".") {
		name += "." + domain
	}
	return naming.ParseHost(name)
}

// MachineID returns 32 hex digits that tell this machine from another one of
// the same host name, or "" where the machine has no identity: no machine-id,
// no D-Bus identity and no product UUID that the caller may read.
//
// The identity itself is not given away, as machine-id(5) demands: what is
// returned is an HMAC-SHA256 with it as the key, cut to 16 bytes.
func MachineID() string {
	return machineID("/etc/machine-id", "/var/lib/dbus/machine-id", "/sys/class/dmi/id/product_uuid")
}

func machineID(paths ...string) string {
	for _, path := range paths {
		secret, err := os.ReadFile(path)
		secret = bytes.TrimSpace(secret)
		// systemd writes "uninitialized" before the first boot: that of an image,
		// which many machines share.
		if err != nil || len(secret) == 0 || string(secret) == "uninitialized" {
			continue
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("sysops-api"))
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}
	return ""
}
