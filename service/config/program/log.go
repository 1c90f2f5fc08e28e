package program

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// A programLog is the log of a program. Its level and its output can change.
type programLog struct {
	*slog.Logger

	level slog.LevelVar
	out   *output
}

// newLog opens the log that m describes.
func newLog(m *configv1.Log, stdout, stderr io.Writer) (*programLog, error) {
	l := &programLog{out: &output{stdout: stdout, stderr: stderr}}
	next, err := l.out.open(m.GetOutput())
	if err != nil {
		return nil, err
	}
	l.out.use(next)
	l.level.Set(levelOf(m.GetLevel()))
	opts := &slog.HandlerOptions{Level: &l.level, AddSource: m.GetSource()}
	if m.GetFormat() == configv1.Log_FORMAT_JSON {
		l.Logger = slog.New(slog.NewJSONHandler(l.out, opts))
	} else {
		l.Logger = slog.New(slog.NewTextHandler(l.out, opts))
	}
	return l, nil
}

func levelOf(l configv1.Log_Level) slog.Level {
	switch l {
	case configv1.Log_LEVEL_DEBUG:
		return slog.LevelDebug
	case configv1.Log_LEVEL_WARN:
		return slog.LevelWarn
	case configv1.Log_LEVEL_ERROR:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// An output is where a log goes: a stream, or a file that can be opened anew.
type output struct {
	stdout, stderr io.Writer

	mu sync.Mutex // guards what follows, and keeps lines apart
	to io.Writer
}

// Write writes one line.
func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(line)
}

// open opens what a configuration calls name.
func (o *output) open(name string) (io.Writer, error) {
	switch name {
	case "", "stderr":
		return o.stderr, nil
	case "stdout":
		return o.stdout, nil
	}
	//nolint:gosec // what the configuration names; a group may read logs
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return file, nil
}

// use writes to next from now on.
func (o *output) use(next io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.to
	o.to = next
	o.discard(before)
}

// discard closes what open has returned, if it is a file.
func (o *output) discard(to io.Writer) {
	if file, ok := to.(*os.File); ok && to != o.stdout && to != o.stderr {
		_ = file.Close()
	}
}

// close closes the file; what is logged later goes to stderr.
func (o *output) close() { o.use(o.stderr) }
