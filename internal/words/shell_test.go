package words

import "testing"

func TestCommandLinesCanBePasted(t *testing.T) {
	for word, want := range map[string]string{
		"sysctl-a": "sysctl-a", "": "''", "a b": "'a b'", "web1#/etc/x": "'web1#/etc/x'", "it's": `'it'\''s'`, "db*": "'db*'", "--scope": "--scope",
	} {
		if got := ShellQuote(word); got != want {
			t.Errorf("%q is quoted as %s, want %s", word, got, want)
		}
	}
	if got, want := CommandLine("sysops", []string{"cat", "web1#/etc/x"}), "sysops cat 'web1#/etc/x'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
