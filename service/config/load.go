package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// filesVariable lists files where none are given, separated as in PATH.
const filesVariable = "PYROKIT_CONFIG"

// A File is a configuration that was loaded, from one file or from several.
type File struct {
	config  *configv1.Config
	origins *origins
	files   []string
	include []string // patterns
	types   middlewareTypes

	registry *Registry // nil: the default
	warnings Errors
}

// Config returns the configuration. It is the File's own: who changes it clones it first.
func (f *File) Config() *configv1.Config { return f.config }

// Files returns the names of all files that were read, included ones too, in the order in which they were. Files that
// secrets and ${file:PATH} name are not among them.
func (f *File) Files() []string { return slices.Clone(f.files) }

// Patterns returns the patterns, as [filepath.Match] has them, that include fields named, from where files are read, too: the
// next Load also reads what matches them by then.
func (f *File) Patterns() []string { return slices.Clone(f.include) }

type loadConfig struct {
	assignments []string
	lookup      func(string) (string, bool)
	registry    *Registry
	checks      []func(*configv1.Config) error
}

// A LoadOption changes how a configuration is loaded.
type LoadOption func(*loadConfig)

// Set sets single fields, each as PATH=VALUE: server.limits.max_depth=50, server.listeners[0].address=:4242,
// server.chain[1].rate_limit.wait=1s, proxies.stock.timeout=2s. The value is YAML, in which quotes around a text may be
// left out; an empty one unsets the field. An index that is one beyond the last appends. Assignments count more than
// files and environment, later ones more than earlier ones.
func Set(assignments ...string) LoadOption {
	return func(c *loadConfig) { c.assignments = append(c.assignments, assignments...) }
}

// Environ has variables looked up otherwise than with [os.LookupEnv].
func Environ(lookup func(name string) (value string, ok bool)) LoadOption {
	return func(c *loadConfig) { c.lookup = lookup }
}

// Middlewares says what entries of chains may be, in the place of [Default].
func Middlewares(r *Registry) LoadOption {
	return func(c *loadConfig) { c.registry = r }
}

// Check adds a check of what was loaded, for what no rule in the .proto files says. It is asked only when nothing else
// is wrong. What it returns goes through [File.Locate].
func Check(check func(*configv1.Config) error) LoadOption {
	return func(c *loadConfig) { c.checks = append(c.checks, check) }
}

// Load reads files, one after the other, and what they include: a later one counts more. Without a name it reads those
// that the variable PYROKIT_CONFIG lists. The package comment says how files are written, and what counts more than
// them.
//
// The error is [Errors], with all that is wrong.
func Load(files []string, opts ...LoadOption) (*File, error) {
	l := newLoader(opts)
	if len(files) == 0 {
		list, _ := l.cfg.lookup(filesVariable)
		files = filepath.SplitList(list)
	}
	if len(files) == 0 {
		return nil, Errors{{Msg: "no configuration file", Hint: "name one, or set " + filesVariable}}
	}
	root := l.config.ProtoReflect()
	for _, name := range files {
		l.read(name, root)
	}
	l.environment()
	l.assign(root)
	l.validate(root)
	if err := l.err(); err != nil {
		return nil, err
	}
	f := &File{config: l.config, origins: l.origins, files: l.sources, include: l.patterns, types: l.types, registry: l.cfg.registry}
	if err := errors.Join(f.checkPlaces(), f.checkChains(), f.checkBuilt()); err != nil {
		return nil, f.Locate(err)
	}
	for _, check := range l.cfg.checks {
		if err := f.Locate(check(l.config)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// A loader loads one configuration.
type loader struct {
	collector

	cfg      loadConfig
	types    middlewareTypes
	config   *configv1.Config
	origins  *origins
	open     []os.FileInfo // files that are being read, each included by the one before
	reads    int
	patterns []string // of files to include
}

func newLoader(opts []LoadOption) *loader {
	l := &loader{config: &configv1.Config{}, origins: newOrigins()}
	l.cfg = loadConfig{lookup: os.LookupEnv}
	for _, o := range opts {
		o(&l.cfg)
	}
	if l.cfg.registry == nil {
		l.cfg.registry = Default()
	}
	l.types = l.cfg.registry.Types()
	return l
}

// binder returns a binder for what a source says.
func (l *loader) binder(source string, format configtree.Format) *binder {
	return &binder{
		collector: &l.collector,
		origins:   l.origins, types: l.types, expand: &expander{l.cfg.lookup},
		source: source, format: format,
	}
}

// assign carries out what Set says.
func (l *loader) assign(root protoreflect.Message) {
	for _, assignment := range l.cfg.assignments {
		b := l.binder("--set", configtree.YAML)
		b.lenient = true
		path, text, is := strings.Cut(assignment, "=")
		if !is {
			b.failf(configtree.Position{}, shorten(path), "", "want PATH=VALUE")
			continue
		}
		if strings.TrimSpace(path) == includeKey {
			b.failf(configtree.Position{}, includeKey, "", "name the file as an argument")
			continue
		}
		value, err := assigned(text)
		if err != nil {
			b.failf(configtree.Position{}, shorten(path), "", "%v", err)
			continue
		}
		b.set(root, strings.TrimSpace(path), value)
	}
}

// assigned reads the value of an assignment. What is no YAML is a text, such as [::1]:4242.
func assigned(text string) (*configtree.Node, error) {
	value, err := configtree.ParseValue(text)
	if err != nil {
		if syntax, ok := errors.AsType[*configtree.SyntaxError](err); ok && strings.Contains(text, "{") {
			return nil, errors.New(syntax.Msg) // without the text, which may be secret
		}
		return &configtree.Node{Kind: configtree.String, Text: text}, nil
	}
	forgetPositions(value)
	return value, nil
}

// forgetPositions takes the positions from what stands in no file.
func forgetPositions(n *configtree.Node) {
	n.Pos, n.KeyPos = configtree.Position{}, configtree.Position{}
	for _, c := range n.Children {
		forgetPositions(c)
	}
}
