package collect

import (
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redact"
)

// Who chooses a part of a text could try guesses there: password=guess among the arguments
// of a process of their own, and they see whether its fingerprint is that of another secret. So a fingerprint
// stands only in what root alone has a say in, and elsewhere nothing but that there was a
// secret:
//
//   - A file has to belong to root or to the running user, and nobody else may write to it or could have
//     arranged the way to it.
//   - Some files of root's hold what users, devices and networks have told a daemon, or the
//     kernel, all the same. They are toldFiles.
//   - Of the sections of commands nobody knows who has a say, but for ownSections.
//   - What a command says on stderr quotes anything.

// toldFiles match names of files, or the places where they really are; * matches / as well.
var toldFiles = []string{
	// The name, office and telephone of a user are the user's to change: chfn(1).
	"/etc/passwd*",
	// What a member of a group may set without being root.
	"/etc/cups/*", "/etc/printcap", "/etc/libvirt/*",
	// What a network and a device have told.
	"/etc/resolv.conf*", "/etc/blkid*",
	// What daemons keep: mail, logs, who came from where, the names of devices and networks.
	"/var/*", "/run/*",
	// Arguments and names of processes, sockets and mounts; what is written on a device.
	"/proc/[^cs]*", "/proc/c[^m]*", "/proc/s[^y]*", "/sys/*", "/dev/*",
}

// ownSections match the sections of commands that show what root alone has set.
var ownSections = []string{"sysctl-a", "crontab-l"}

// A redaction decides which secrets leave a fingerprint.
type redaction struct {
	keyed, plain *redact.Redactor // both nil: nothing is redacted
	told, own    globs

	tell func([]redact.Finding) // nil: nobody
}

func newRedaction(r *redact.Redactor, tell func([]redact.Finding)) *redaction {
	return &redaction{keyed: r, plain: r.Plain(), told: newGlobs(toldFiles), own: newGlobs(ownSections), tell: tell}
}

// ofOthers returns the redaction of a file that holds what others have chosen, wherever it lies.
func (r *redaction) ofOthers() *redaction {
	return &redaction{keyed: r.plain, plain: r.plain, tell: r.tell}
}

// object redacts the contents of an object, and tells of what was found.
func (r *redaction) object(by *redact.Redactor, name string, data []byte) []byte {
	clean, found := by.Object(name, data)
	if r.tell != nil {
		r.tell(found)
	}
	return clean
}

// section returns what redacts a section of the JSON object.
func (r *redaction) section(key string) *redact.Redactor {
	if r.own.match(key) {
		return r.keyed
	}
	return r.plain
}

// file returns what redacts the file that was read at a place, published under name.
// inside: it lies in the outgoing directory, which is the administrator's wherever that is.
func (r *redaction) file(name string, at hostfs.Place, inside bool) *redact.Redactor {
	if at.Own && (inside || !r.told.match(name, at.Real)) {
		return r.keyed
	}
	return r.plain
}

// result redacts all that is told of a command. Its arguments are the administrator's, but
// the section that holds them holds what commands complained of, too.
func (r *redaction) result(one *Result) {
	one.Output, _ = r.section(one.Section).Object("@"+one.Section, one.Output)
	one.Argv = r.plain.Args(one.Argv)
	one.Stderr, one.Error = r.plain.Text(one.Stderr), r.plain.Text(one.Error)
}
