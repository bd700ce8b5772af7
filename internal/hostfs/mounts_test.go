package hostfs

import (
	"testing"
)

func TestWhoAnswersForAMount(t *testing.T) {
	for line, want := range map[string]mount{
		"25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw":                                          {id: 25, kind: "ext4", point: "/"},
		"26 25 0:22 / /proc rw - proc proc rw":                                                            {id: 26, kind: "proc", point: "/proc"},
		`40 25 0:50 / /mnt/a\040b\134 rw shared:2 master:1 - tmpfs tmpfs rw`:                              {id: 40, kind: "tmpfs", point: `/mnt/a b\`},
		"41 25 0:51 / /home/bob/far rw,nosuid - fuse.sshfs bob@x: rw,user_id=4001,group_id=4,allow_other": {id: 41, kind: "fuse.sshfs", point: "/home/bob/far", user: bob},
		"42 25 8:17 / /media/stick rw - fuseblk /dev/sdb1 rw,user_id=0,allow_other":                       {id: 42, kind: "fuseblk", point: "/media/stick"},
		"43 25 0:52 / /mnt/odd rw - fuse odd rw":                                                          {id: 43, kind: "fuse", point: "/mnt/odd", user: nobody},
		"44 25 0:53 / /mnt/vm rw - virtiofs share rw":                                                     {id: 44, kind: "virtiofs", point: "/mnt/vm"},
	} {
		if got, ok := parseMount(line + "\n"); !ok || got != want {
			t.Errorf("%s: got %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "x 1 254:0 / / rw - ext4 /dev/vda rw", "25 1 254:0 / / rw", "25 1 - ext4"} {
		if got, ok := parseMount(line); ok {
			t.Errorf("%q is %+v", line, got)
		}
	}
}

// A FUSE shows the owners that its user likes.
func TestAUsersFUSEIsTheirsAsAWhole(t *testing.T) {
	w := newWorld(t)
	folder := &spot{st: w.stat("etc"), as: self}
	file := &spot{st: w.stat("etc/secret"), info: w.info("etc/secret"), mount: mount{kind: "fuse", user: bob}}
	if got := w.h.arrangedBy(folder, file, "secret"); got != bob {
		t.Errorf("it is %v's", got)
	}
	file.mount.user = 0
	if got := w.h.arrangedBy(folder, file, "secret"); got != self {
		t.Errorf("root's is %v's", got)
	}
}
