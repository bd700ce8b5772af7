package collect

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hostfstest"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// bob is a user of the tests. What he does is done for him by root.
const bob = 4001

const (
	honest   = "honest bytes\n"
	rootOnly = "root-only bytes\n"
)

// bobsHost is a host where bob has an app.conf and a folder conf.d, to which links in the
// outgoing directory lead, and beside each what he may exchange it with: app.conf.evil and
// conf.d.evil are links to what is root's alone.
func bobsHost(t *testing.T) *host {
	t.Helper()
	h := openHost(t)
	h.must(os.Mkdir(h.path("bob"), 0o755))
	h.must(os.Mkdir(h.path("bob/conf.d"), 0o755))
	h.write("bob/conf.d/a", honest)
	h.write("bob/conf.d/b", honest)
	h.write("bob/app.conf", honest)
	h.write("secrets/a", rootOnly)
	h.write("secrets/b", rootOnly)
	h.write("secrets/c", rootOnly)
	h.link("bob/app.conf.evil", h.path("secrets/a"))
	h.link("bob/conf.d.evil", "../secrets")
	h.must(os.Mkdir(h.path("bob/conf.d.evil2"), 0o755))
	h.link("bob/conf.d.evil2/a", h.path("secrets/a"))
	h.must(os.Link(h.path("secrets/b"), h.path("bob/conf.d.evil2/b")))
	for _, name := range []string{"", "/conf.d", "/conf.d/a", "/conf.d/b", "/app.conf", "/app.conf.evil", "/conf.d.evil", "/conf.d.evil2", "/conf.d.evil2/a"} {
		h.must(os.Lchown(h.path("bob"+name), bob, bob))
	}
	h.link("outgoing/1", h.path("bob/app.conf"))
	h.link("outgoing/2", "../bob/conf.d")
	return h
}

// exchange is what bob does: each of his places for one that he has prepared.
func (h *host) exchange(place, evil string) {
	if err := hostfstest.Exchange(h.path(place), h.path(evil)); err != nil {
		h.t.Error(err)
	}
}

var bobsExchanges = [][2]string{
	{"bob/app.conf", "bob/app.conf.evil"},
	{"bob/conf.d", "bob/conf.d.evil"},
	{"bob/conf.d", "bob/conf.d.evil2"},
}

// expectHonest reads all that is listed: nothing of it may be root's.
func (h *host) expectHonest(s *Snapshot) (contents int) {
	h.t.Helper()
	for _, source := range s.Sources {
		if strings.HasSuffix(source.Name, "/c") {
			h.t.Errorf("%s was listed", source.Name)
		}
		content, err := source.Read(h.t.Context())
		switch {
		case err != nil:
		case string(content.Data) != honest:
			h.t.Errorf("%s is %q", source.Name, content.Data)
		default:
			contents++
		}
	}
	return contents
}

func TestWhatOthersExchangeAfterListingIsNotRead(t *testing.T) {
	for _, pair := range bobsExchanges {
		h := bobsHost(t)
		listed := h.list()
		if n := h.expectHonest(listed); n != 3 {
			t.Fatalf("%d files were read before anything happened", n)
		}
		h.exchange(pair[0], pair[1])
		h.expectHonest(listed)
		listed = h.list()
		h.expectHonest(listed)
		h.exchange(pair[0], pair[1])
		h.expectHonest(listed)
		if n := h.expectHonest(h.list()); n != 3 {
			t.Errorf("%d files were read when all was over", n)
		}
	}
}

// What was listed is read from the folder that was listed, wherever that is by now.
func TestAFolderThatIsMovedIsReadWhereItIs(t *testing.T) {
	h := bobsHost(t)
	listed := h.list()
	h.exchange("bob/conf.d", "bob/conf.d.evil")
	if n := h.expectHonest(listed); n != 3 {
		t.Errorf("%d files were read", n)
	}
}

func TestWhatOthersExchangeAllTheTimeIsNotRead(t *testing.T) {
	t.Parallel()
	for _, pair := range bobsExchanges {
		h := bobsHost(t)
		stop := hostfstest.Meanwhile(func() { h.exchange(pair[0], pair[1]) })
		for range redistest.Cases(t, 200) {
			h.expectHonest(h.list())
		}
		stop()
	}
}

// A link of bob's leads to what bob may read, and nowhere else.
func TestAForeignLinkInAWalkedDirectoryIsFollowedWithItsOwnersRights(t *testing.T) {
	h := openHost(t)
	h.write("etc/secret", rootOnly)
	h.write("etc/open", honest)
	h.must(os.Chmod(h.path("etc/open"), 0o644))
	h.link("d/open", "../etc/open")
	h.link("d/steal", "../etc/secret")
	h.must(os.Chmod(h.path("d"), 0o755))
	h.link("outgoing/x", h.path("d"))
	for _, name := range []string{"d/open", "d/steal"} {
		h.must(os.Lchown(h.path(name), bob, bob))
	}
	s := h.list()
	at := slices.IndexFunc(s.Sources, func(s snapshot.Source) bool { return s.Name == h.path("d/steal") })
	_, err := s.Sources[at].Read(t.Context())
	want := "cannot read " + h.path("d/steal") + ": it is read as user 4001, who may change the way to it: permission denied"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v", err)
	}
	if n := h.expectHonest(s); n != 1 {
		t.Errorf("%d files were read", n)
	}
}

// Debian keeps crontabs in a sticky folder that a group may write to.
func TestCrontabsOfDebianAreRead(t *testing.T) {
	h := openHost(t)
	h.write("crontabs/root", "root's")
	h.write("crontabs/bob", "bob's")
	h.must(os.Chown(h.path("crontabs/bob"), bob, 4003))
	h.must(os.Chown(h.path("crontabs/root"), 0, 4003))
	h.must(os.Chown(h.path("crontabs"), 0, 4003))
	h.must(os.Chmod(h.path("crontabs"), 0o730|os.ModeSticky))
	h.link("outgoing/x", h.path("crontabs"))
	h.expect(map[string]string{"crontabs/root": "root's", "crontabs/bob": "bob's"})
}
