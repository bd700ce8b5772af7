package rangeexpr

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"go.yaml.in/yaml/v4"
)

// FileSource has the clusters of a directory: see [Files].
type FileSource struct {
	dir string

	mu    sync.Mutex
	files map[string]clusterFile // by the cluster's name
}

var _ Source = (*FileSource)(nil)

// A clusterFile is a file as it was when it was read.
type clusterFile struct {
	info    fs.FileInfo
	cluster *Cluster
	err     error
}

// maxFile is how long a cluster file may be: a few hundred thousand hosts, one a line.
const maxFile = 16 << 20

// Files returns the clusters of a directory, each the file <cluster>.yaml, as Range
// has them (yamlfile.c of libcrange):
//
//	CLUSTER: web1..3, web7     # a key, and an expression
//	DOWN:                      # or a list of them, which are united
//	  - web2
//	  - $CLUSTER & /7$/
//
// A file is read when it is asked for, and again after its time, size or inode has
// changed; the directory is listed each time. A name that would lead elsewhere is no
// cluster, nor is one that begins with a dot. Symbolic links are followed.
func Files(dir string) *FileSource {
	return &FileSource{dir: dir, files: make(map[string]clusterFile)}
}

const extension = ".yaml"

// Clusters returns the names of the files, without reading them.
func (s *FileSource) Clusters() ([]string, error) {
	entries, err := os.ReadDir(s.dir) // sorts by file name, in which web.yaml is after web-1.yaml
	if err != nil {
		return nil, fmt.Errorf("cannot list the clusters: %w", err)
	}
	var clusters []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok && isClusterName(name) && !e.IsDir() {
			clusters = append(clusters, name)
		}
	}
	return sortNames(clusters), nil
}

func isClusterName(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, "/\\\x00")
}

// Cluster returns a cluster.
func (s *FileSource) Cluster(name string) (*Cluster, error) {
	if !isClusterName(name) {
		return nil, fmt.Errorf("%w: %q", ErrNoCluster, name)
	}
	path := filepath.Join(s.dir, name+extension)
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		s.forget(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
			return nil, fmt.Errorf("%w: %q", ErrNoCluster, name)
		}
		return nil, err
	}
	s.mu.Lock()
	file, ok := s.files[name]
	s.mu.Unlock()
	if !ok || !file.is(info) {
		if file, err = readFile(path, info); err != nil {
			return nil, &FileError{File: path, Err: err}
		}
		s.mu.Lock()
		s.files[name] = file
		s.mu.Unlock()
	}
	return file.cluster, file.err
}

func (s *FileSource) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

// is reports whether the file has not changed.
func (f clusterFile) is(info fs.FileInfo) bool {
	return os.SameFile(f.info, info) && f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime())
}

// readFile reads a file, and what it is once it is open: it may have been replaced.
// That a file is malformed is remembered until it changes; other errors are not.
func readFile(path string, info fs.FileInfo) (clusterFile, error) {
	if !info.Mode().IsRegular() {
		return clusterFile{}, errors.New("it is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return clusterFile{}, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return clusterFile{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return clusterFile{}, err
	case len(text) > maxFile:
		return clusterFile{}, fmt.Errorf("it is longer than %d bytes", maxFile)
	}
	c, err := ParseCluster(text, path)
	return clusterFile{info, c, err}, nil
}

// ParseCluster reads the text of a cluster file. file is its name, for errors, which
// are FileErrors: whatever is neither a text nor a list of texts under a key makes all
// of the cluster malformed.
func ParseCluster(text []byte, file string) (*Cluster, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, &FileError{File: file, Err: fmt.Errorf("it is no YAML, in which what begins with %% or @ is quoted: %w", err)}
	}
	c := &Cluster{File: file, Keys: make(map[string][]Item)}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return c, nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, malformed(file, root, "", "a cluster file is a mapping of keys to expressions")
	}
	lists := make(map[*yaml.Node][]Item) // aliases share them
	lines := make(map[string]int)
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, v := root.Content[i], resolve(root.Content[i+1])
		if key.Kind != yaml.ScalarNode {
			return nil, malformed(file, key, "", "a key is a text")
		}
		if line, twice := lines[key.Value]; twice {
			return nil, malformed(file, key, key.Value, fmt.Sprintf("the key is also in line %d", line))
		}
		lines[key.Value] = key.Line
		items, known := lists[v]
		if !known {
			var err error
			if items, err = readItems(file, key.Value, v); err != nil {
				return nil, err
			}
			lists[v] = items
		}
		c.Keys[key.Value] = items
	}
	return c, nil
}

func readItems(file, key string, v *yaml.Node) ([]Item, error) {
	nodes := []*yaml.Node{v}
	switch v.Kind {
	case yaml.ScalarNode:
	case yaml.SequenceNode:
		nodes = v.Content
	default:
		return nil, malformed(file, v, key, "a value is an expression or a list of expressions: quote one that begins with {")
	}
	items := make([]Item, 0, len(nodes))
	for _, n := range nodes {
		text := resolve(n)
		if text.Kind != yaml.ScalarNode {
			return nil, malformed(file, n, key, "what is in a list is an expression: quote one that begins with { or [")
		}
		if !strings.HasPrefix(text.ShortTag(), "!!") { // which takes the word: !web1 is an empty text
			return nil, malformed(file, n, key, "quote an expression that begins with !")
		}
		if !isNull(text) {
			items = append(items, Item{Text: text.Value, Line: n.Line})
		}
	}
	return items, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func malformed(file string, at *yaml.Node, key, reason string) error {
	return &FileError{File: file, Line: at.Line, Key: key, Err: errors.New(reason)}
}
