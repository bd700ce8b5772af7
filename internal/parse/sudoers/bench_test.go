package sudoers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// largeSudoers are 160 lines of aliases and rules.
func largeSudoers() []byte {
	var b strings.Builder
	b.WriteString("Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL) NOPASSWD: ALL\n")
	for i := range 40 {
		fmt.Fprintf(&b, "Cmnd_Alias C%d = /usr/bin/a%d, /usr/bin/b%d *, !/usr/bin/c%d\nHost_Alias H%d = web000%02d, db*, *.example.org\n", i, i, i, i, i, i)
		fmt.Fprintf(&b, "User_Alias U%d = user%d, %%ops\nU%d H%d, ALL = (root) C%d\n", i, i, i, i, i)
	}
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	text := largeSudoers()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Parse(text)
	}
}

func BenchmarkEntries(b *testing.B) {
	p := Assemble(Files{"/etc/sudoers": Parse(largeSudoers())}, "/etc/sudoers", "web01")
	h := &Host{Name: "web01.example.com", Groups: []accounts.Group{{Name: "ops", GID: 20, Members: []string{"user3"}}}}
	b.ReportAllocs()
	for b.Loop() {
		if e, _ := p.Entries(h, "user3"); len(e) != 40 {
			b.Fatal(len(e))
		}
	}
}
