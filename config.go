package sysops

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sysops-api/sysops-api/internal/directory"
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

	Flags []ConfigFlag `yaml:"-"`
	Files []string     `yaml:"-"` // that were read, the most important first
}

// A ConfigFlag is a line of the config that sets a flag: "scope: global".
type ConfigFlag struct {
	Name, Value string
	Where       string // file:line
}

// DirectoryConfig lists sites, cores and servers, and says where this machine is.
type DirectoryConfig struct {
	Sites map[string]map[string][]string `yaml:"sites"`
	Local struct {
		Site string `yaml:"site"`
		Core string `yaml:"core"`
	} `yaml:"local"`
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
func (d *Duration) UnmarshalYAML(b []byte) error {
	v, err := time.ParseDuration(unquote(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration: write 90s, 20m or 6h", unquote(b))
	}
	*d = Duration(v)
	return nil
}

// A Size is a number of bytes: 4096, 512KiB, 10MiB, 1GiB.
type Size int64

// UnmarshalYAML reads "10MiB".
func (s *Size) UnmarshalYAML(b []byte) error {
	v, err := ParseSize(unquote(b))
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

func unquote(b []byte) string {
	s := strings.TrimSpace(string(b))
	if v, err := strconv.Unquote(s); err == nil {
		return v
	}
	return strings.Trim(s, "'")
}

// LoadConfig reads the named file or, where path is empty, the file that
// SYSOPS_CONFIG names or, without that, the user's and the system's; those two
// need not exist. A key that is unknown or wrong is an error that says file,
// line, and what was likely meant.
//
// flags are the names of flags that a top-level key may set; nil accepts any.
func LoadConfig(path string, flags []string) (*Config, error) {
	if path == "" {
		path = os.Getenv("SYSOPS_CONFIG")
	}
	paths := []string{path}
	optional := path == ""
	if optional {
		paths = []string{SystemConfig}
		if dir, err := os.UserConfigDir(); err == nil {
			paths = append(paths, filepath.Join(dir, "sysops", "config.yaml"))
		}
	}
	c := &Config{}
	for _, p := range paths { // the more important later: its keys replace the others'
		text, err := os.ReadFile(p)
		if optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the config: %w", err)
		}
		if err := c.merge(p, text, flags); err != nil {
			return nil, err
		}
		c.Files = append([]string{p}, c.Files...)
	}
	return c, nil
}

var configSections = []string{"directory", "redis", "agent", "stale_after", "legacy"}

func (c *Config) merge(path string, text []byte, flags []string) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("cannot read the config %s: %s", path, yaml.FormatError(err, false, true))
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		root, ok := doc.Body.(ast.MapNode)
		if !ok {
			return fmt.Errorf("cannot read the config %s: it is not a mapping of keys to values", path)
		}
		for it := root.MapRange(); it.Next(); {
			if err := c.mergeKey(path, it.KeyValue(), flags); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Config) mergeKey(path string, kv *ast.MappingValueNode, flags []string) error {
	key := kv.Key.GetToken().Value
	where := fmt.Sprintf("%s:%d", path, kv.Key.GetToken().Position.Line)
	var into any
	switch key {
	case "directory":
		c.Directory = DirectoryConfig{}
		into = &c.Directory
	case "redis":
		c.Redis = RedisConfig{}
		into = &c.Redis
	case "agent":
		c.Agent = AgentConfig{}
		into = &c.Agent
	case "stale_after":
		into = &c.StaleAfter
	case "legacy":
		into = &c.Legacy
	default:
		name := strings.ReplaceAll(key, "_", "-")
		if flags != nil && !slices.Contains(flags, name) {
			return unknownKey(where, key, slices.Concat(configSections, flags))
		}
		c.Flags = append(c.Flags, ConfigFlag{Name: name, Value: strings.TrimSpace(kv.Value.String()), Where: where})
		return nil
	}
	err := yaml.NodeToValue(kv.Value, into, yaml.Strict())
	if err == nil {
		return nil
	}
	if tok := errorLine(err); tok > 0 {
		where = fmt.Sprintf("%s:%d", path, tok)
	}
	return fmt.Errorf("cannot read the config: %s: %s", where, errorMessage(err))
}

// errorLine returns the line that a YAML error points at, 0 if it does not.
func errorLine(err error) int {
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil {
		return ye.GetToken().Position.Line
	}
	return 0
}

func errorMessage(err error) string {
	var ye yaml.Error
	if errors.As(err, &ye) {
		return ye.GetMessage()
	}
	return err.Error()
}

func unknownKey(where, key string, valid []string) error {
	err := fmt.Errorf("cannot read the config: %s: unknown key %q", where, key)
	if near := Nearest(key, valid); near != "" {
		return hinted(err, fmt.Sprintf("did you mean %q?", near))
	}
	return hinted(err, "the keys are "+strings.Join(configSections, ", ")+", and the names of flags")
}

// Nearest returns the word that s is most likely a misspelling of, "" if none is
// close.
func Nearest(s string, words []string) string {
	best, distance := "", max(2, len(s)/3)+1
	for _, w := range words {
		if d := editDistance(s, w); d < distance {
			best, distance = w, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// OpenDirectory returns the directory that the config describes.
func (c *Config) OpenDirectory() (Directory, error) {
	if len(c.Directory.Sites) == 0 {
		return nil, hinted(errors.New("cannot find any server: no directory is configured"),
			"name the servers of a core with --server redis://host:6379/0, or list sites, cores and servers under directory: in "+SystemConfig)
	}
	for _, cores := range c.Directory.Sites {
		for core, servers := range cores {
			for _, s := range servers {
				if err := store.Check(s); err != nil {
					return nil, fmt.Errorf("cannot use core %s: %w", core, err)
				}
			}
		}
	}
	return directory.NewFile(c.Directory.Sites, c.Directory.Local.Site, c.Directory.Local.Core)
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
		text, err := os.ReadFile(c.Redis.PasswordFile)
		if err != nil {
			return o, fmt.Errorf("cannot read the password: %w", err)
		}
		o.Password = strings.TrimRight(string(text), "\r\n")
		if o.Password == "" {
			return o, fmt.Errorf("cannot use the password file %s: it is empty", c.Redis.PasswordFile)
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
	dir, err := c.OpenDirectory()
	if err != nil {
		return nil, err
	}
	o, err := c.Options()
	if err != nil {
		return nil, err
	}
	return New(dir, o)
}
