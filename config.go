package sysops

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/secure"
	"github.com/sysops-api/sysops-api/internal/store"
)

// SystemConfig is where both commands look for their config, after the user's
// own: ~/.config/sysops/config.yaml comes before it, top-level key by key.
const SystemConfig = "/etc/sysops/config.yaml"

// A Config is what the config files say. Every top-level key that is not a field
// here is kept in Flags, the default of the command-line flag of that name.
type Config struct {
	Directory  DirectoryConfig `yaml:"directory"`
	Redis      RedisConfig     `yaml:"redis"`
	Agent      AgentConfig     `yaml:"agent"`
	StaleAfter Duration        `yaml:"stale_after"` // default 1h
	Legacy     Legacy          `yaml:"legacy"`      // auto, always or never
	Mask       []MaskRule      `yaml:"mask"`        // what comparisons leave out, beside DefaultMasks

	Flags []ConfigFlag `yaml:"-"`
	Files []string     `yaml:"-"` // that were read, the most important first
}

// A ConfigFlag is a line of the config that sets a flag: "scope: global".
type ConfigFlag struct {
	Name, Value string
	Where       string // file:line
}

// DirectoryConfig says which servers there are: it is the URL of a directory service,
// or lists sites, cores and servers itself; and says where this machine is. In YAML a
// URL alone may stand for all of it.
type DirectoryConfig struct {
	URL   string                         `yaml:"url"` // docs/directories.md has their forms
	Sites map[string]map[string][]string `yaml:"sites"`
	Local struct {
		Site string `yaml:"site"`
		Core string `yaml:"core"`
	} `yaml:"local"`
}

// UnmarshalYAML reads a URL or a mapping.
func (d *DirectoryConfig) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		d.URL = n.Value
		return nil
	}
	type mapping DirectoryConfig // without this method
	return n.Decode((*mapping)(d))
}

// RedisConfig says how to connect. A password comes from PasswordFile or from
// the environment, SYSOPS_REDIS_PASSWORD, which wins.
type RedisConfig struct {
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	CAFile       string   `yaml:"ca_file"`
	CertFile     string   `yaml:"cert_file"`
	KeyFile      string   `yaml:"key_file"`
	Timeout      Duration `yaml:"timeout"` // default 5s
}

// AgentConfig is what sysops-agent takes from the config.
type AgentConfig struct {
	Host          string                   `yaml:"host"`     // default: the machine's name
	Domain        string                   `yaml:"domain"`   // appended to a name without one
	Outgoing      string                   `yaml:"outgoing"` // default /var/lib/sysops/outgoing
	JSON          string                   `yaml:"json"`     // default /etc/hardware_identification.json
	State         string                   `yaml:"state"`    // default /var/lib/sysops/state
	TTL           Duration                 `yaml:"ttl"`      // default 6h
	MaxObject     Size                     `yaml:"max_object"`
	Every         Duration                 `yaml:"every"` // between two runs; default 20m
	Splay         *Duration                `yaml:"splay"` // default: a quarter of every
	Commands      map[string]CommandConfig `yaml:"commands"`
	Interactions  bool                     `yaml:"interaction_times"` // keep a record of them and push it
	Redact        *bool                    `yaml:"redact"`            // default true
	RedactKeyFile string                   `yaml:"redact_key_file"`   // so that equal secrets compare equal across hosts
	Bases         *bool                    `yaml:"bases"`             // default true; see Options.NoBases
	Private       []NameGlob               `yaml:"private"`           // beside those that are by default; see Source.Private
	NotPrivate    []NameGlob               `yaml:"not_private"`       // of those that are by default
	SNMP          SNMPConfig               `yaml:"snmp"`
}

// SNMPConfig is what sysops-agent snmp walks. Its flags come before it.
type SNMPConfig struct {
	Credentials string   `yaml:"credentials"` // a file, for the owner alone
	Targets     []string `yaml:"targets"`     // NAME or NAME=ADDRESS[:PORT]
	TargetsFile string   `yaml:"targets_file"`
	OIDs        []string `yaml:"oids"`
	TTL         Duration `yaml:"ttl"`     // default 720h
	Timeout     Duration `yaml:"timeout"` // for an answer; default 5s
	Retries     *int     `yaml:"retries"` // default 2
}

// CommandConfig adds a command to the catalogue, or changes one of its sections.
type CommandConfig struct {
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

// UnmarshalYAML reads "auto".
func (l *Legacy) UnmarshalYAML(n *yaml.Node) error {
	*l = Legacy(n.Value)
	return l.check()
}

// A NameGlob is a pattern of names of objects, or of sections alone: * ? [a-z] [^a]
// \x, where * matches / too.
type NameGlob string

// UnmarshalYAML reads "/etc/myapp/*".
func (g *NameGlob) UnmarshalYAML(n *yaml.Node) error {
	if _, err := path.Match(n.Value, ""); err != nil || n.Value == "" {
		return fmt.Errorf("%q is no pattern of names: write /etc/myapp/*, or the name of a section", n.Value)
	}
	*g = NameGlob(n.Value)
	return nil
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

// DirectoryOptions say what becomes of a directory service's answers. The zero value
// is ready to use, and keeps none.
type DirectoryOptions struct {
	// CacheAge is how old an answer may be that is used while the directory cannot be
	// asked. 0 keeps no answers.
	CacheAge    time.Duration
	CacheFolder string // where they are kept; empty: sysops in the user's cache folder

	// Warn is told of what a person should know: that a server of the directory does
	// not answer, or that a kept answer is used. nil: nobody is.
	Warn func(error)
}

// OpenDirectory returns the directory that the config describes. Only files are read
// until it is asked.
func (c *Config) OpenDirectory(o DirectoryOptions) (Directory, error) {
	d := &c.Directory
	switch {
	case d.URL != "" && len(d.Sites) > 0:
		return nil, errors.New("cannot use the directory of the config: it has a url and sites of its own; leave one out")
	case d.URL != "":
		return c.openService(o)
	case len(d.Sites) == 0:
		return nil, hinted(errors.New("cannot find any server: no directory is configured"),
			"name the servers of a core with --server redis://host:6379/0, or list sites, cores and servers under directory: in "+SystemConfig)
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

func (c *Config) openService(o DirectoryOptions) (Directory, error) {
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	d := &c.Directory
	dir, err := directory.Open(d.URL, directory.Options{LocalSite: d.Local.Site, LocalCore: d.Local.Core, Warn: o.Warn})
	if err != nil {
		return nil, hintedURL(err)
	}
	if o.CacheAge > 0 && o.CacheFolder == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return dir, nil // a service without a home: nowhere to keep anything
		}
		o.CacheFolder = filepath.Join(user, "sysops")
	}
	return directory.Keep(dir, strings.Join([]string{d.URL, d.Local.Site, d.Local.Core}, "\n"), directory.KeepOptions{Age: o.CacheAge, Folder: o.CacheFolder, Warn: o.Warn}), nil
}

// hintedURL adds to what is wrong with a directory's URL what to write instead.
func hintedURL(err error) error {
	bad, ok := errors.AsType[*directory.URLError](err)
	if !ok {
		return err
	}
	var names []string
	forms := make(map[string]string)
	for _, s := range directory.Schemes() {
		names = append(names, s.Name)
		forms[s.Name] = s.Form
	}
	switch near := Nearest(bad.Scheme, names); {
	case forms[bad.Scheme] != "":
		return hinted(err, "its form is "+forms[bad.Scheme])
	case bad.Scheme == "redis" || bad.Scheme == "rediss":
		return hinted(err, "that is a server: name it with --server")
	case near != "":
		return hinted(err, "did you mean "+forms[near]+"?")
	}
	return hinted(err, "the services are "+strings.Join(names, ", ")+"; a file is "+forms["file"])
}

// Options returns the client options that the config asks for, the password
// included.
func (c *Config) Options() (Options, error) {
	o := Options{
		User: c.Redis.User, CAFile: c.Redis.CAFile, CertFile: c.Redis.CertFile, KeyFile: c.Redis.KeyFile,
		Timeout: time.Duration(c.Redis.Timeout), StaleAfter: time.Duration(c.StaleAfter), Legacy: c.Legacy,
		Password: os.Getenv("SYSOPS_REDIS_PASSWORD"),
	}
	if o.Password == "" && c.Redis.PasswordFile != "" {
		var err error
		if o.Password, err = secure.Password(c.Redis.PasswordFile); err != nil {
			return o, err
		}
	}
	return o, nil
}

// Open returns a Client for the servers that the config files name (see
// LoadConfig; path may be empty). Close it after use.
func Open(path string) (*Client, error) {
	c, err := LoadConfig(path, nil)
	if err != nil {
		return nil, err
	}
	dir, err := c.OpenDirectory(DirectoryOptions{})
	if err != nil {
		return nil, err
	}
	o, err := c.Options()
	if err != nil {
		return nil, err
	}
	return New(dir, o)
}
