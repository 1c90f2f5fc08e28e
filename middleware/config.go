package middleware

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pyrokit/pyrokit/codec"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// An Env is what surrounds a chain that is made from configuration. Each package below has a function FromConfig
// that makes its middleware from a message and an Env.
type Env struct {
	// End is where the chain is used; AnyEnd does not tell.
	End transport.End
	// Log is what middlewares log to; nil means slog.Default().
	Log *slog.Logger
	// Secret reads a secret. It is called anew each time that a chain is made, so that the contents of files
	// may change. nil takes only those whose value stands in the configuration.
	Secret func(*configv1.Secret) (string, error)
	// Values is how the server or proxy reads and writes values.
	Values codec.Options
}

// Logger returns Log, or slog.Default() where that is nil.
func (e Env) Logger() *slog.Logger {
	if e.Log != nil {
		return e.Log
	}
	return slog.Default()
}

// ErrRestart is the reason of a FieldError about a change that takes effect only in a program that is started
// anew.
var ErrRestart = errors.New("cannot change while the program runs: start it anew")

// A FieldError says which field of a middleware's message is wrong.
type FieldError struct {
	Path string // from the message on: "rules[2].rate"
	Err  error  // what is wrong, or what would be right
}

// Error returns path and reason.
func (e *FieldError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// Fields reads the fields of a message and collects what is wrong with them. The zero value is for a whole
// message.
type Fields struct {
	prefix string
	errs   *[]error
}

// At returns the Fields of a message within: of item i of the list called name.
func (f *Fields) At(name string, i int) *Fields {
	return f.In(fmt.Sprintf("%s[%d]", name, i))
}

// In returns the Fields of the message in the field called name.
func (f *Fields) In(name string) *Fields {
	return &Fields{prefix: f.prefix + name + ".", errs: f.collected()}
}

func (f *Fields) collected() *[]error {
	if f.errs == nil {
		f.errs = &[]error{}
	}
	return f.errs
}

// Wrongf says that the field called name is wrong.
func (f *Fields) Wrongf(name, format string, args ...any) {
	f.Failed(name, fmt.Errorf(format, args...))
}

// Failed says why the field called name is wrong, unless err is nil.
func (f *Fields) Failed(name string, err error) {
	if err != nil {
		all := f.collected()
		*all = append(*all, &FieldError{Path: f.prefix + name, Err: err})
	}
}

// Err returns what was found to be wrong, one [FieldError] or several that are joined, or nil.
func (f *Fields) Err() error {
	if f.errs == nil {
		return nil
	}
	if len(*f.errs) == 1 {
		return (*f.errs)[0]
	}
	return errors.Join(*f.errs...)
}

// Duration reads a time that must not be negative; unset is 0.
func (f *Fields) Duration(name string, d *durationpb.Duration) time.Duration {
	if d == nil {
		return 0
	}
	if err := d.CheckValid(); err != nil || d.AsDuration() < 0 {
		f.Wrongf(name, "must be a time of 0s or more")
		return 0
	}
	return d.AsDuration()
}

// Count reads a number that must not be negative.
func (f *Fields) Count(name string, n int32) int {
	if n < 0 {
		f.Wrongf(name, "must be 0 or more, not %d", n)
	}
	return int(max(n, 0))
}

// Patterns reads patterns of calls or names, which must not be empty.
func (f *Fields) Patterns(name string, patterns []string) []string {
	for i, p := range patterns {
		if p == "" {
			f.Wrongf(fmt.Sprintf("%s[%d]", name, i), "must not be empty: * fits all")
		}
	}
	return patterns
}

// SomePatterns is Patterns for a list that must not be empty itself.
func (f *Fields) SomePatterns(name string, patterns []string) []string {
	if len(patterns) == 0 {
		f.Wrongf(name, "must have one at least: * fits all")
	}
	return f.Patterns(name, patterns)
}

// Codes reads codes of errors, of which none may be unspecified.
func (f *Fields) Codes(name string, codes []configv1.Code) []transport.Code {
	var all []transport.Code
	for i, c := range codes {
		if c <= 0 || c > configv1.Code_CODE_UNAUTHENTICATED {
			f.Wrongf(fmt.Sprintf("%s[%d]", name, i), "%s is no code of errors", c)
			continue
		}
		all = append(all, transport.Code(c))
	}
	return all
}

// LevelOff is the level of what is not logged.
const LevelOff = slog.Level(math.MaxInt)

// Level reads a level; unspecified is otherwise.
func (f *Fields) Level(name string, l configv1.LogLevel, otherwise slog.Level) slog.Level {
	switch l {
	case configv1.LogLevel_LOG_LEVEL_UNSPECIFIED:
		return otherwise
	case configv1.LogLevel_LOG_LEVEL_DEBUG:
		return slog.LevelDebug
	case configv1.LogLevel_LOG_LEVEL_INFO:
		return slog.LevelInfo
	case configv1.LogLevel_LOG_LEVEL_WARN:
		return slog.LevelWarn
	case configv1.LogLevel_LOG_LEVEL_ERROR:
		return slog.LevelError
	case configv1.LogLevel_LOG_LEVEL_OFF:
		return LevelOff
	default:
		f.Wrongf(name, "%d is no level", l)
		return otherwise
	}
}

// Secret reads a secret that must not be empty. What is wrong never says its value.
func (f *Fields) Secret(name string, s *configv1.Secret, env Env) string {
	if s == nil {
		f.Wrongf(name, "must be set")
		return ""
	}
	value, err := env.secret(s)
	if err == nil && value == "" {
		err = errors.New("must not be empty")
	}
	f.Failed(name, err)
	return value
}

func (e Env) secret(s *configv1.Secret) (string, error) {
	if e.Secret != nil {
		return e.Secret(s)
	}
	if s.GetEnv() != "" || s.GetFile() != "" {
		return "", errors.New("nothing here reads secrets from the environment or from files")
	}
	return s.GetValue(), nil
}
