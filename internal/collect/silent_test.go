package collect

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/hostfstest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// silent mounts a file system that does not answer at a place.
func (h *host) silent(name string) *hostfstest.Silent {
	h.t.Helper()
	h.must(os.MkdirAll(h.path(name), 0o700))
	return h.knows(hostfstest.NewSilent(h.t, h.path(name)))
}

func (h *host) knows(s *hostfstest.Silent) *hostfstest.Silent {
	h.options.Host = hostfs.New()
	h.options.Host.Limit = hostfstest.Limit(s)
	return s
}

func TestWhatLiesOnASilentFileSystemIsKept(t *testing.T) {
	h := newHost(t)
	dead := h.silent("mnt/nfs")
	h.link("etc/app.conf", h.path("mnt/nfs/app.conf"))
	h.link("etc/app.d", "../mnt/nfs/app.d")
	h.write("etc/conf.d/here", "here")
	h.link("etc/conf.d/there", "../../mnt/nfs/there")
	h.options.JSON = h.path("mnt/nfs/hardware.json")
	for name, target := range map[string]string{"1": "etc/app.conf", "2": "etc/app.d", "3": "etc/conf.d", "4": "etc/passwd"} {
		h.link("outgoing/"+name, h.path(target))
	}
	h.write("etc/passwd", "root")

	s := h.list()
	if got := h.names(s); !slices.Equal(got, []string{"etc/conf.d/here", "etc/passwd"}) {
		t.Errorf("names are %q", got)
	}
	want := []string{h.path("etc/app.conf"), h.path("etc/app.d"), h.path("etc/conf.d/there"), h.path("mnt/nfs/hardware.json")}
	if !slices.Equal(s.Keep, want) {
		t.Errorf("kept are %q", s.Keep)
	}
	p := h.expectProblem(s, h.path("etc/app.conf")+" is unknown, and stays on the servers as it was: its file system does not answer")
	if !p.Unknown || !errors.Is(p, hostfs.ErrSilent) {
		t.Errorf("got %#v", p)
	}
	for _, source := range s.Sources {
		if _, err := source.Read(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := dead.Asked(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestAFileThatFallsSilentIsUnknownAndKept(t *testing.T) {
	h := newHost(t)
	h.must(os.Mkdir(h.path("mnt"), 0o700))
	h.knows(hostfstest.NewDeaf(t, h.path("mnt")))
	h.link("outgoing/x", h.path("mnt/app.conf"))
	s := h.list()
	if len(s.Sources) != 1 {
		t.Fatalf("names are %q, problems %v", h.names(s), s.Problems)
	}
	_, err := s.Sources[0].Read(t.Context())
	if !errors.Is(err, snapshot.ErrUnknown) || !errors.Is(err, hostfs.ErrSilent) {
		t.Errorf("error is %v", err)
	}
}

// What is chosen cannot be known, and so neither can be what is to be kept.
func TestASilentOutgoingDirectoryIsAnError(t *testing.T) {
	h := newHost(t)
	h.silent("outgoing/mounted")
	h.link("outgoing/x", h.write("etc/passwd", "root"))
	if s, err := Outgoing(h.outgoing, h.options); !errors.Is(err, hostfs.ErrSilent) {
		t.Errorf("got %v, %v", s, err)
	}
	if s, err := Outgoing(h.path("outgoing/mounted"), h.options); !errors.Is(err, hostfs.ErrSilent) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestInitLinksWhatAnswers(t *testing.T) {
	h := newHost(t)
	h.silent("mnt/nfs")
	h.write("etc/a.conf", "")
	h.link("etc/b.conf", "../mnt/nfs/b.conf")
	h.write("sub/x/c.conf", "")
	h.link("sub/y", "../mnt/nfs")
	policy := []string{h.path("mnt/nfs/d.conf"), h.path("etc/*.conf"), h.path("sub/*/c.conf"), h.path("mnt/*/e.conf")}
	made, err := initialize(h.options.Host, h.outgoing, policy)
	if err != nil || !slices.Equal(made, []string{h.path("etc/a.conf"), h.path("sub/x/c.conf")}) {
		t.Errorf("it linked %q, %v", made, err)
	}
}

func TestAProgramThatDoesNotAnswerKeepsNoOtherWaiting(t *testing.T) {
	for name, mount := range map[string]func(testing.TB, string) *hostfstest.Silent{"silent": hostfstest.NewSilent, "deaf": hostfstest.NewDeaf} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.must(os.Mkdir(h.path("mnt"), 0o755))
			h.knows(mount(t, h.path("mnt")))
			interpreted := script(t, "interpreted", "")
			h.must(os.WriteFile(interpreted.Argv[0], []byte("#! "+h.path("mnt/sh")+" -e\n"), 0o755))
			commands := []Command{
				interpreted,
				{Section: "gone", Argv: []string{h.path("mnt/prog")}},
				{Section: "either", Argv: []string{h.path("mnt/other")}},
				script(t, "either", "echo second"),
				script(t, "here", "echo here"),
			}
			report := Run(t.Context(), Options{Commands: commands, Parallel: 1, Host: h.options.Host})
			var got []string
			for _, r := range report.Results {
				got = append(got, r.Section+" "+strings.TrimSpace(string(r.Output)))
				if silent := r.Section == "gone" || r.Section == "interpreted"; r.Unknown != silent || silent && r.Error != hostfs.ErrSilent.Error() {
					t.Errorf("got %+v", r)
				}
			}
			if !slices.Equal(got, []string{"either second", "gone ", "here here", "interpreted "}) || len(report.Missing) != 0 {
				t.Errorf("results are %q, missing %q", got, report.Missing)
			}
			h.must(report.Write(h.options.JSON))
			s := h.list()
			if want := []string{h.options.JSON + "@gone", h.options.JSON + "@interpreted"}; !slices.Equal(s.Keep, want) {
				t.Errorf("kept are %q, want %q", s.Keep, want)
			}
		})
	}
}
