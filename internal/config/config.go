// Package config reads the files that configure both commands, and opens what they name.
//
// It promises that what is unknown or wrong in a file is an error that says file and line,
// and what was likely meant. It leaves to the commands what becomes of a key that sets a
// flag.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/secure"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/mask"
)

// SystemFile is where both commands look for their config, after the user's
// own: ~/.config/sysops/config.yaml comes before it, top-level key by key.
const SystemFile = "/etc/sysops/config.yaml"

// A Config is what the config files say. Every top-level key that is not a field
// here is kept in Flags, the default of the command-line flag of that name.
type Config struct {
	Directory  Directory  `yaml:"directory"`
	Redis      Redis      `yaml:"redis"`
	Agent      Agent      `yaml:"agent"`
	StaleAfter Duration   `yaml:"stale_after"` // default 1h
	Legacy     legacy     `yaml:"legacy"`      // auto, always or never
	Mask       []maskRule `yaml:"mask"`        // what comparisons leave out; see MaskRules

	Flags []Flag   `yaml:"-"`
	Files []string `yaml:"-"` // that were read, the most important first

	// PassedOver is the file of a user whose home it is, but who is not root, as which this
	// runs; empty: there is none.
	PassedOver string `yaml:"-"`
}

// A Flag is a line of the config that sets a flag: "scope: global".
type Flag struct {
	Name, Value string
	Where       string // file:line
}

// Directory says which servers there are: it is the URL of a directory service,
// or lists sites, cores and servers itself; and says where this machine is. In YAML a
// URL alone may stand for all of it.
type Directory struct {
	URL   string                         `yaml:"url"` // docs/directories.md has their forms
	Sites map[string]map[string][]string `yaml:"sites"`
	Local struct {
		Site string `yaml:"site"`
		Core string `yaml:"core"`
	} `yaml:"local"`
}

// UnmarshalYAML reads a URL or a mapping.
func (d *Directory) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		d.URL = n.Value
		return nil
	}
	type mapping Directory // without this method
	return n.Decode((*mapping)(d))
}

// Redis says how to connect. A password comes from PasswordFile or from
// the environment, SYSOPS_REDIS_PASSWORD, which wins.
type Redis struct {
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`

	// Of Sentinels that ask for a password themselves. SYSOPS_SENTINEL_PASSWORD comes before the file.
	SentinelUser         string `yaml:"sentinel_user"`
	SentinelPasswordFile string `yaml:"sentinel_password_file"`

	CAFile     string   `yaml:"ca_file"`
	CertFile   string   `yaml:"cert_file"`
	KeyFile    string   `yaml:"key_file"`
	RequireTLS *bool    `yaml:"require_tls"` // default: see the API's Options
	Timeout    Duration `yaml:"timeout"`     // default 5s
}

// Agent is what sysops-agent takes from the config.
type Agent struct {
	Host          string             `yaml:"host"`     // default: the machine's name
	Domain        string             `yaml:"domain"`   // appended to a name without one
	Outgoing      string             `yaml:"outgoing"` // default /var/lib/sysops/outgoing
	JSON          string             `yaml:"json"`     // default /etc/hardware_identification.json
	State         string             `yaml:"state"`    // default /var/lib/sysops/state
	Metrics       string             `yaml:"metrics"`  // a file for node_exporter's textfile collector; default none
	TTL           Duration           `yaml:"ttl"`      // default 6h
	MaxObject     Size               `yaml:"max_object"`
	Every         Duration           `yaml:"every"` // between two runs; default 20m
	Splay         *Duration          `yaml:"splay"` // default: a quarter of every
	Retry         *Duration          `yaml:"retry"` // see Snapshot.Retry; default: of run half of every, else 0
	Commands      map[string]Command `yaml:"commands"`
	Interactions  bool               `yaml:"interaction_times"` // keep a record of them and push it
	Redact        *bool              `yaml:"redact"`            // default true
	RedactKeyFile string             `yaml:"redact_key_file"`   // so that equal secrets compare equal across hosts
	Bases         *bool              `yaml:"bases"`             // default true; see Options.NoBases
	Private       []NameGlob         `yaml:"private"`           // beside those that are by default; see Source.Private
	NotPrivate    []NameGlob         `yaml:"not_private"`       // of those that are by default
	SNMP          SNMP               `yaml:"snmp"`
}

// SNMP is what sysops-agent snmp walks. Its flags come before it.
type SNMP struct {
	Credentials string   `yaml:"credentials"` // a file, for the owner alone
	Targets     []string `yaml:"targets"`     // NAME or NAME=ADDRESS[:PORT]
	TargetsFile string   `yaml:"targets_file"`
	OIDs        []string `yaml:"oids"`
	TTL         Duration `yaml:"ttl"`     // default 720h
	Timeout     Duration `yaml:"timeout"` // for an answer; default 5s
	Retries     *int     `yaml:"retries"` // default 2
}

// Command adds a command to the catalogue, or changes one of its sections.
type Command struct {
	Run     []string `yaml:"run"` // program and arguments; no shell
	Timeout Duration `yaml:"timeout"`
	Limit   Size     `yaml:"limit"`
	Off     bool     `yaml:"off"`
}

// A Duration is written as Go writes it: 90s, 20m, 6h.
type Duration time.Duration

// UnmarshalYAML reads "20m".
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration: write 90s, 20m or 6h", n.Value)
	}
	*d = Duration(v)
	return nil
}

// A legacy is when a server is searched with SCAN.
type legacy string

// UnmarshalYAML reads "auto".
func (l *legacy) UnmarshalYAML(n *yaml.Node) error {
	*l = legacy(n.Value)
	return extract.CheckLegacy(n.Value)
}

// A NameGlob is a pattern of names of objects, or of sections alone: * ? [a-z] [^a]
// \x, where * matches / too.
type NameGlob string

// UnmarshalYAML reads "/etc/myapp/*".
func (g *NameGlob) UnmarshalYAML(n *yaml.Node) error {
	if err := naming.CheckGlob(n.Value); err != nil || n.Value == "" {
		return fmt.Errorf("%q is no pattern of names: write /etc/myapp/*, or the name of a section", n.Value)
	}
	*g = NameGlob(n.Value)
	return nil
}

// A maskRule is a mask.Rule as the file has it.
type maskRule struct {
	Names   []NameGlob `yaml:"names"`
	Mask    []regex    `yaml:"mask"`
	Drop    []regex    `yaml:"drop"`
	Set     *bool      `yaml:"set"`
	JSON    *bool      `yaml:"json"`
	Instead bool       `yaml:"instead"`
}

// A regex is a regular expression in Go's syntax, that of RE2.
type regex string

// UnmarshalYAML reads "^up (\\d+)".
func (x *regex) UnmarshalYAML(n *yaml.Node) error {
	if _, err := regexp.Compile(n.Value); err != nil {
		return fmt.Errorf("%q is no regular expression: %w", n.Value, err)
	}
	*x = regex(n.Value)
	return nil
}

// MaskRules returns what comparisons leave out, beside what they leave out by default.
func (c *Config) MaskRules() []mask.Rule {
	var out []mask.Rule
	for _, r := range c.Mask {
		out = append(out, mask.Rule{Names: texts(r.Names), Mask: texts(r.Mask), Drop: texts(r.Drop), Set: r.Set, JSON: r.JSON, Instead: r.Instead})
	}
	return out
}

// texts are words of the file as plain text.
func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// A Size is a number of bytes: 4096, 512KiB, 10MiB, 1GiB.
type Size int64

// UnmarshalYAML reads "10MiB".
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseSize(n.Value)
	*s = v
	return err
}

// ParseSize reads a number of bytes with an optional unit, KiB, MiB or GiB.
func ParseSize(text string) (Size, error) {
	number, unit := text, int64(1)
	for suffix, u := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = strings.TrimSpace(n), u
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size: write 4096, 512KiB or 10MiB", text)
	}
	return Size(n * unit), nil
}

// Secrets returns the files that the config names because of the secrets in them.
func (c *Config) Secrets() []string {
	files := []string{c.Redis.PasswordFile, c.Redis.SentinelPasswordFile, c.Redis.KeyFile, c.Agent.RedactKeyFile, c.Agent.SNMP.Credentials}
	if u, err := url.Parse(c.Directory.URL); err == nil {
		files = append(files, u.Query().Get("password_file"), u.Query().Get("token_file"))
	}
	return slices.DeleteFunc(files, func(file string) bool { return file == "" })
}

// How many bytes a redaction key has. Who can guess the key can test guesses at what the
// fingerprints stand for.
const (
	leastRedactKey = 16
	mostRedactKey  = 4 << 10
)

// RedactKey returns the key of the fingerprints that stand for secrets, without white space around it: nil
// where none is set. One that could be guessed is an error.
func (a *Agent) RedactKey() ([]byte, error) {
	if a.RedactKeyFile == "" {
		return nil, nil
	}
	text, err := trust.ReadSecret(a.RedactKeyFile, mostRedactKey)
	if err != nil {
		return nil, fmt.Errorf("cannot read the redaction key: %w", err)
	}
	key := bytes.TrimSpace(text)
	if len(key) < leastRedactKey {
		return nil, hint.To(fmt.Errorf("cannot use the redaction key %s: it has %d bytes, and one of under %d can be guessed",
			a.RedactKeyFile, len(key), leastRedactKey), newRedactKey)
	}
	return key, nil
}

const newRedactKey = "make one with: openssl rand -hex 32; it has to be the same on all hosts whose secrets are to compare"

// OpenDirectory returns the directory that the config describes. Only files are read
// until it is asked.
func (c *Config) OpenDirectory(o directory.KeepOptions) (directory.Service, error) {
	d := &c.Directory
	switch {
	case d.URL != "" && len(d.Sites) > 0:
		return nil, errors.New("cannot use the directory of the config: it has a url and sites of its own; leave one out")
	case d.URL != "":
		return directory.OpenKept(d.URL, d.Local.Site, d.Local.Core, o)
	case len(d.Sites) == 0:
		err := errors.New("cannot find any server: no directory is configured")
		if c.PassedOver != "" {
			err = fmt.Errorf("%w (root does not read %s, the config of another user)", err, c.PassedOver)
		}
		return nil, hint.For(err, hint.NoServers, SystemFile)
	}
	for _, cores := range d.Sites {
		for core, servers := range cores {
			for _, s := range servers {
				if err := store.Check(s); err != nil {
					return nil, fmt.Errorf("cannot use core %s: %w", core, err)
				}
			}
		}
	}
	return directory.NewFile(d.Sites, d.Local.Site, d.Local.Core)
}

// A connection is how a client connects, and what it makes of what it reads: the fields of
// the API's Options.
type connection struct {
	User, Password string

	SentinelUser, SentinelPassword string

	CAFile, CertFile, KeyFile string
	RequireTLS                *bool

	Timeout, StaleAfter time.Duration
	MaxObject           int
	Legacy              string

	CacheFolder string

	BasesFolder string
	NoBases     bool
}

// Options returns the client options that the config asks for, the password
// included.
func (c *Config) Options() (connection, error) {
	o := connection{
		User: c.Redis.User, CAFile: c.Redis.CAFile, CertFile: c.Redis.CertFile, KeyFile: c.Redis.KeyFile, RequireTLS: c.Redis.RequireTLS,
		Timeout: time.Duration(c.Redis.Timeout), StaleAfter: time.Duration(c.StaleAfter), Legacy: string(c.Legacy),
		Password: os.Getenv(secure.PasswordVariable), SentinelUser: c.Redis.SentinelUser, SentinelPassword: os.Getenv(secure.SentinelPasswordVariable),
	}
	for _, p := range []struct {
		password *string
		file     string
	}{{&o.Password, c.Redis.PasswordFile}, {&o.SentinelPassword, c.Redis.SentinelPasswordFile}} {
		if *p.password != "" || p.file == "" {
			continue
		}
		var err error
		if *p.password, err = secure.Password(p.file); err != nil {
			return o, err
		}
	}
	return o, nil
}
