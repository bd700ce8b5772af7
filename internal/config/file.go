package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v4"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/words"
)

const most = 16 << 20 // bytes that a config may have

// Load reads the named file or, where path is empty, the file that
// SYSOPS_CONFIG names or, without that, the user's and the system's; those two
// need not exist. Root reads a user's only if the home is root's, for the environment of
// whoever became root may still name another. A file that others may have changed is an
// error (see internal/trust). A key that is unknown or wrong is an error that says file,
// line, and what was likely meant.
//
// flags are the names of flags that a top-level key may set; nil accepts any.
func Load(path string, flags []string) (*Config, error) {
	if path == "" {
		path = os.Getenv("SYSOPS_CONFIG")
	}
	c := &Config{}
	paths := []string{path}
	optional := path == ""
	if optional {
		paths = c.usual()
	}
	for _, p := range paths { // the more important later: its keys replace the others'
		text, err := trust.Read(p, most)
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

// usual returns the files that are read where none is named, and notes one that is not.
func (c *Config) usual() []string {
	paths := []string{SystemFile}
	folder, err := os.UserConfigDir()
	if err != nil {
		return paths // there is no home
	}
	file := filepath.Join(folder, "sysops", "config.yaml")
	home := cmp.Or(os.Getenv("XDG_CONFIG_HOME"), os.Getenv("HOME"))
	if is, err := trust.Stat(home); os.Geteuid() == 0 && err == nil && is.Sys().(*syscall.Stat_t).Uid != 0 {
		if _, err := trust.Stat(file); err == nil {
			c.PassedOver = file
		}
		return paths
	}
	return append(paths, file)
}

// merge reads one file into c: each of its top-level keys replaces what c has of
// that key.
func (c *Config) merge(path string, text []byte, flags []string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return yamlError(path, err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil // nothing but comments
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("cannot read the config: %s:%d: it is not a mapping of keys to values", path, root.Line)
	}
	for i := 0; i < len(root.Content); i += 2 {
		if err := c.mergeKey(path, root.Content[i], root.Content[i+1], flags); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) mergeKey(path string, key, value *yaml.Node, flags []string) error {
	sections := reflect.ValueOf(c).Elem()
	for i := range sections.NumField() {
		name := sections.Type().Field(i).Tag.Get("yaml")
		if name == "-" || name != key.Value {
			continue
		}
		field := sections.Field(i)
		field.SetZero()
		if err := checkShape(path, key.Value, value, field.Type()); err != nil {
			return err
		}
		if err := value.Decode(field.Addr().Interface()); err != nil {
			return yamlError(path, err)
		}
		return nil
	}
	flag := strings.ReplaceAll(key.Value, "_", "-")
	if flags != nil && !slices.Contains(flags, flag) {
		return unknownKey(path, "", key, slices.Concat(keysOf(sections.Type()), flags))
	}
	values := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		values = value.Content
	}
	var words []string
	for _, v := range values {
		if v.Kind != yaml.ScalarNode {
			return fmt.Errorf("cannot read the config: %s:%d: %s must be a value or a list of values", path, v.Line, key.Value)
		}
		words = append(words, v.Value)
	}
	c.Flags = append(c.Flags, Flag{Name: flag, Value: strings.Join(words, ","), Where: fmt.Sprintf("%s:%d", path, key.Line)})
	return nil
}

// checkShape makes sure that a value has the keys, lists and single values that
// its Go type has, and tells what is wrong in the terms of the file.
func checkShape(path, name string, n *yaml.Node, t reflect.Type) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	want, kind := "a single value", yaml.ScalarNode
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		want, kind = "a mapping of keys to values", yaml.MappingNode
	case reflect.Slice:
		want, kind = "a list", yaml.SequenceNode
	}
	if n.Tag == "!!null" {
		return nil // a key without a value is as good as none
	}
	if n.Kind == yaml.ScalarNode && t == reflect.TypeFor[Directory]() {
		return nil // a URL
	}
	if n.Kind != kind {
		return fmt.Errorf("cannot read the config: %s:%d: %s must be %s", path, n.Line, name, want)
	}
	for i := range n.Content {
		var err error
		switch {
		case t.Kind() == reflect.Slice:
			err = checkShape(path, name, n.Content[i], t.Elem())
		case i%2 == 0:
		case t.Kind() == reflect.Map:
			err = checkShape(path, name+"."+n.Content[i-1].Value, n.Content[i], t.Elem())
		default:
			err = checkField(path, name, n.Content[i-1], n.Content[i], t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkField(path, name string, key, value *yaml.Node, t reflect.Type) error {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == key.Value {
			return checkShape(path, name+"."+key.Value, value, t.Field(i).Type)
		}
	}
	return unknownKey(path, name, key, keysOf(t))
}

// keysOf lists the keys of a section.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

func unknownKey(path, section string, key *yaml.Node, valid []string) error {
	where := ""
	if section != "" {
		where = " in " + section
	}
	err := fmt.Errorf("cannot read the config: %s:%d: unknown key %q%s", path, key.Line, key.Value, where)
	if near := words.Nearest(key.Value, valid); near != "" {
		return hint.To(err, fmt.Sprintf("did you mean %q?", near))
	}
	if section == "" {
		return hint.To(err, "the keys are "+strings.Join(keysOf(reflect.TypeFor[Config]()), ", ")+", and the names of flags")
	}
	return hint.To(err, "its keys are "+strings.Join(valid, ", "))
}

// yamlError says where in the file something is wrong.
func yamlError(path string, err error) error {
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		return fmt.Errorf("cannot read the config %s: %w", path, err)
	}
	return fmt.Errorf("cannot read the config: %s:%d: %s", path, at.Mark.Line, at.Message)
}
