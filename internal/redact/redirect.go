package redact

import (
	"bytes"
	"regexp"
)

// redirectTriggers are those of texts that say which file they become: what echo writes into one,
// a here-document, the contents that cloud-init or Ansible give a file.
func redirectTriggers() []trigger {
	return []trigger{
		{"echo ", (*scan).printed},
		{"printf ", (*scan).printed},
		{" <<", (*scan).hereDocument},
		{"content: ", (*scan).contentOf},
		{"content=", (*scan).contentOf},
	}
}

var (
	writtenTo = regexp.MustCompile(`(?:[^<0-9&-]>{1,2}|\btee(?: -a| --append)*)[ \t]*["']?([\w./~$%{}:-]{3,200})`)
	delimiter = regexp.MustCompile(`^ <<[-~]?[ \t]*\\?["']?([A-Za-z_]\w{0,31})`)
	pathKey   = regexp.MustCompile(`(?m)(?:^[ \t-]*|[ \t])["']?(?:path|dest|destination|name|file)["']?[ \t]*[:=][ \t]*["']?([\w./~$%{}-]{3,200})["']?(?:[ \t\r]|$)`)
)

// passwordCommand: a setting that names the command which prints a password.
var passwordCommand = regexp.MustCompile(`(?i)(?:pass(?:wd|word|phrase)?|pw|secret|token)[_-]?(?:cmd|command|eval)["']?[ \t]*[:= ][ \t]*["'+]?(?:\S*/)?(?:sh -c ["'])?$`)

// printed finds what is written into a file that is known for the secrets in it, echo x >
// /root/.pgpass, and what a command prints that is there to tell a password: PassCmd "echo x".
func (s *scan) printed(at int) {
	line := s.data[at:min(s.end, at+longWord)]
	before := s.data[max(s.start, at-longestKey):at]
	if (bytes.Contains(before, []byte("md")) || bytes.Contains(before, []byte("val")) || bytes.Contains(before, []byte("mmand")) || bytes.Contains(before, []byte("COMMAND"))) && passwordCommand.Match(before) {
		s.echo(at+bytes.IndexByte(line, ' '), s.end)
		return
	}
	if bytes.IndexByte(line, '>') < 0 && !bytes.Contains(line, []byte("tee ")) {
		return
	}
	m := writtenTo.FindSubmatchIndex(line)
	if m == nil {
		return
	}
	for _, a := range s.plainArguments(at+bytes.IndexByte(line, ' '), at+m[0]+1) {
		if s.data[a.start] != '-' {
			s.asFile(string(line[m[2]:m[3]]), a.start, a.end)
		}
	}
}

// hereDocument is the same for what stands in the lines below: cat > /root/.pgpass <<EOF.
func (s *scan) hereDocument(at int) {
	line := s.data[max(s.start, at-nearby):min(s.end, at+nearby)]
	if bytes.IndexByte(line, '>') < 0 && !bytes.Contains(line, []byte("tee ")) {
		return
	}
	word := delimiter.FindSubmatch(s.data[at:min(s.end, at+64)])
	if word == nil {
		return
	}
	m := writtenTo.FindSubmatch(line)
	if m == nil {
		return
	}
	first, last := 0, 0
	for from, to, ok := s.nextLine(at); ok && from-at < 1<<13; from, to, ok = s.nextLine(from) {
		if bytes.Equal(bytes.TrimSpace(s.data[from:to]), word[1]) {
			break
		}
		if first == 0 {
			first = from
		}
		last = to
	}
	s.asFile(string(m[1]), first, last)
}

// contentOf is the same for the contents beside a path.
func (s *scan) contentOf(at int) {
	if at > s.start && isKeyByte(s.data[at-1]) {
		return
	}
	from := max(0, at-nearby)
	paths := pathKey.FindAllSubmatchIndex(s.data[from:min(len(s.data), at+nearby)], 8)
	start := s.blanks(at + len("content:"))
	if len(paths) == 0 || start == s.end {
		return
	}
	path := paths[0] // the last before it, or the first behind
	for _, p := range paths[1:] {
		if from+p[0] < at {
			path = p
		}
	}
	end := s.end
	if s.data[start] == '|' || s.data[start] == '>' {
		start, end = 0, 0
		indent := s.indent(s.start)
		for first, to, ok := s.nextLine(at); ok && first-at < 1<<13 && (first == to || s.indent(first) > indent); first, to, ok = s.nextLine(first) {
			if start == 0 {
				start = first
			}
			end = to
		}
	} else if open, quote := s.opened(start); quote != "" {
		start = open
		end = open + quotedLength(s.data[open:s.end], quote)
	}
	s.asFile(string(s.data[from+path[2]:from+path[3]]), start, end)
}

// asFile finds the secrets in a part of the text that is what a file holds.
func (s *scan) asFile(name string, start, end int) {
	if start >= end {
		return
	}
	inner := &scan{data: s.data[start:end], format: formatOf(name)}
	if inner.format.record == noRecord {
		return
	}
	inner.records()
	for _, found := range inner.spans {
		s.add(start+found.start, start+found.end, found.rule)
	}
}
