package program

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/pyrokit/pyrokit/service/config"
)

// settleTime is how long files have to be left alone before they are read: an editor, or a script, changes several.
const settleTime = 100 * time.Millisecond

var errNotRunning = errors.New("the program is not running")

// startReloads has the configuration read again at SIGHUP and, if it says so, when its files change.
func (r *run) startReloads(ctx context.Context) error {
	p := r.p
	w := &watch{p: p}
	if p.running.GetReload().GetWatch() {
		if err := w.open(); err != nil {
			return &config.FieldError{Path: "reload.watch", Err: err}
		}
	}
	hangup := make(chan os.Signal, 1)
	notifyHangup(hangup)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var reloads sync.WaitGroup
	reloads.Go(func() { w.run(ctx, hangup) })
	r.stops = append(r.stops, func() error {
		signal.Stop(hangup)
		cancel()
		reloads.Wait()
		p.mu.Lock()
		p.started = false
		p.mu.Unlock()
		return w.close()
	})
	p.mu.Lock()
	p.started = true
	p.warn()
	p.mu.Unlock()
	return nil
}

// A watch sees when files of the configuration, and of its secrets, change. It watches their folders, because who
// changes a file often puts another one in its place.
type watch struct {
	p        *Program
	files    map[string]bool   // that were read
	patterns []string          // of those that are read as soon as they are there
	wrong    bool              // the configuration was, when it was read last
	watcher  *fsnotify.Watcher // nil: files are not watched
}

func (w *watch) open() (err error) {
	if w.watcher, err = fsnotify.NewWatcher(); err != nil {
		return err
	}
	if err := w.follow(); err != nil {
		return errors.Join(err, w.watcher.Close())
	}
	return nil
}

func (w *watch) close() error {
	if w.watcher == nil {
		return nil
	}
	return w.watcher.Close()
}

// follow watches the folders of the files that there are by now.
func (w *watch) follow() error {
	w.p.mu.Lock()
	files := slices.Concat(w.p.file.Files(), config.SecretFiles(w.p.file.Config()))
	w.patterns = w.p.file.Patterns()
	w.p.mu.Unlock()
	w.files = map[string]bool{}
	var errs []error
	for _, file := range files {
		w.files[filepath.Clean(file)] = true
		errs = append(errs, w.watcher.Add(filepath.Dir(file)))
	}
	return errors.Join(errs...)
}

// run reloads until ctx ends.
func (w *watch) run(ctx context.Context, hangup <-chan os.Signal) {
	var (
		changed <-chan fsnotify.Event
		failed  <-chan error
		settled <-chan time.Time
	)
	if w.watcher != nil {
		changed, failed = w.watcher.Events, w.watcher.Errors
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			w.reload()
		case e := <-changed:
			if w.concerns(e) {
				settled = time.After(settleTime)
			}
		case <-settled:
			settled = nil
			w.reload()
		case err := <-failed:
			w.p.log.Warn("changes of the configuration's files may have been missed", "error", err)
		}
	}
}

func (w *watch) reload() {
	_, err := w.p.Reload() // it has logged what is wrong
	w.wrong = err != nil
	if w.watcher == nil {
		return
	}
	if err := w.follow(); err != nil {
		w.p.log.Warn("some of the configuration's files are not watched", "error", err)
	}
}

// concerns tells whether an event may be of a file of the configuration, or of one that an include will find. ..data is
// what Kubernetes puts in the place of another one when a mounted ConfigMap or Secret changes. Which files a
// configuration that is wrong would read nobody knows: any of that kind may put it right.
func (w *watch) concerns(e fsnotify.Event) bool {
	file := filepath.Clean(e.Name)
	switch {
	case e.Op == fsnotify.Chmod:
		return false
	case w.files[file], filepath.Base(file) == "..data":
		return true
	case w.wrong && slices.Contains(configExtensions, strings.ToLower(filepath.Ext(file))):
		return true
	default:
		return slices.ContainsFunc(w.patterns, func(pattern string) bool {
			matches, err := filepath.Match(filepath.Clean(pattern), file)
			return matches && err == nil
		})
	}
}

// configExtensions are those of configurations.
var configExtensions = []string{".yaml", ".yml", ".json", ".textproto", ".txtpb"}
