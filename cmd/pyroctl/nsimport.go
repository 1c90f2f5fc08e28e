package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	// importWorkers is how many entries a name server of pyrokit is given at a time: it flushes its file once for all that
	// wait.
	importWorkers = 64
	// importWorkersOfPython is the same for Python's name servers, which have a thread for each connection, 40 or 80 in all
	// for everybody, and do one thing at a time.
	importWorkersOfPython = 4
	// importAhead is how many entries may wait for each worker.
	importAhead = 16
	// importGrace is how long calls under way may take when an import is interrupted: what they did is to be known.
	importGrace = 2 * time.Second
)

// imports are what became of the entries of a file.
type imports struct {
	imported, kept int
	leftOut        int    // those with a lease, where the name server has no leases
	tagged         int    // of the imported ones, those with metadata
	oneTagged      string // the name of one of them
}

func (i *imports) add(o imports) {
	i.imported += o.imported
	i.kept += o.kept
	i.leftOut += o.leftOut
	i.tagged += o.tagged
	if o.oneTagged != "" {
		i.oneTagged = o.oneTagged
	}
}

// An importer registers entries, many at a time, each worker one. All entries of one name go to the same worker, so that the
// last one counts.
type importer struct {
	f    *factory
	ns   *nameserver.Client
	cfg  pyro.DialConfig // of further connections
	safe bool
	stop context.CancelCauseFunc // ends the reading, with the first error

	queues  []chan storage.Record // one for each worker; nil until there is an entry for it
	started int                   // workers
	full    bool                  // the name server takes no more connections
	running sync.WaitGroup        // workers

	mu   sync.Mutex // guards done
	done imports
}

// importInto registers all entries, until stop ends reading, or something else does. Nothing is under way any more when it
// returns.
func (f *factory) importInto(
	reading context.Context, stop context.CancelCauseFunc, ns *nameserver.Client, in io.Reader, safe bool,
) (imports, error) {
	cfg, err := f.toldConfig()
	if err != nil {
		return imports{}, err
	}
	calls, cancel := context.WithCancel(context.WithoutCancel(reading))
	defer cancel()
	defer context.AfterFunc(reading, func() { time.AfterFunc(importGrace, cancel) })()
	i := &importer{f: f, ns: ns, cfg: cfg, safe: safe, stop: stop, queues: make([]chan storage.Record, importWorkersOfPython)}
	if f.hasLeases(reading, ns) {
		i.queues = make([]chan storage.Record, importWorkers)
	}
	err = i.read(reading, calls, in)
	for _, queue := range i.queues {
		if queue != nil {
			close(queue)
		}
	}
	i.running.Wait()
	if cause := context.Cause(reading); cause != nil { // it comes before what is wrong with the file
		err = cause
	}
	return i.done, err
}

func (f *factory) hasLeases(ctx context.Context, ns *nameserver.Client) bool {
	ctx, cancel := f.limited(ctx)
	defer cancel()
	return ns.HasLeases(ctx)
}

// read puts the entries into the queues of their workers.
func (i *importer) read(ctx, calls context.Context, in io.Reader) error {
	seed := maphash.MakeSeed()
	for r, err := range importRecords(in) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case r.Name == nameserver.ObjectName:
			continue
		}
		n := maphash.String(seed, r.Name) % uint64(len(i.queues))
		if i.queues[n] == nil {
			i.queues[n] = i.start(ctx, calls)
		}
		select {
		case i.queues[n] <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// importRecords yields the entries of JSON lines. What is wrong with a line, its URI included, ends them and is wrong usage.
func importRecords(in io.Reader) iter.Seq2[storage.Record, error] {
	check := func(r storage.Record) error {
		if _, err := parseURI(r.URI); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		return nil
	}
	return func(yield func(storage.Record, error) bool) {
		for r, err := range storage.ReadRecords(in, check) {
			if isA[*storage.LineError](err, nil) {
				err = withHint(&usageError{err},
					"want JSON lines as pyroctl ns export writes them; files of name servers are for pyroctl ns serve --storage")
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// checkImport reads a file once beforehand, so that nothing of it is registered where anything is wrong. What comes through
// a pipe can be read but once, and may be too much to be kept.
func checkImport(ctx context.Context, in io.Reader) error {
	file, ok := in.(*os.File)
	if !ok {
		return nil
	}
	for _, err := range importRecords(file) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w; nothing was registered", err)
		}
	}
	_, err := file.Seek(0, io.SeekStart)
	return err
}

// start starts a worker and returns its queue. When reading has ended with an error, or is interrupted, what still waits in the
// queue is dropped.
func (i *importer) start(reading, calls context.Context) chan storage.Record {
	queue, ns := make(chan storage.Record, importAhead), i.connect(reading)
	i.started++
	i.running.Go(func() {
		var done imports
		for r := range queue {
			if reading.Err() != nil {
				continue
			}
			if err := i.register(calls, ns, r, &done); err != nil {
				i.stop(fmt.Errorf("%s: %w", r.Name, err))
			}
		}
		if ns != i.ns {
			_ = ns.Close()
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		i.done.add(done)
	})
	return queue
}

// connect returns a connection of its own for each worker, as long as the name server takes any.
func (i *importer) connect(ctx context.Context) *nameserver.Client {
	if i.started == 0 || i.full {
		return i.ns
	}
	ctx, cancel := i.f.limited(ctx)
	defer cancel()
	own := nameserver.New(i.ns.URI(), i.cfg)
	if err := own.Ping(ctx); err != nil {
		_ = own.Close()
		i.full = true
		return i.ns
	}
	return own
}

func (i *importer) register(ctx context.Context, ns *nameserver.Client, r storage.Record, done *imports) error {
	err := i.f.registerRecord(ctx, ns, r, i.safe)
	switch {
	case i.safe && errors.Is(err, transport.ErrAlreadyExists):
		done.kept++
		return nil
	case r.Lease > 0 && errors.Is(err, transport.ErrUnimplemented):
		done.leftOut++
		return nil
	case err != nil:
		return err
	}
	done.imported++
	if len(r.Tags) > 0 {
		done.tagged++
		done.oneTagged = r.Name
	}
	return nil
}

func (f *factory) registerRecord(ctx context.Context, ns *nameserver.Client, r storage.Record, safe bool) error {
	ctx, cancel := f.limited(ctx)
	defer cancel()
	uri, err := parseURI(r.URI)
	if err != nil {
		return err
	}
	if r.Lease > 0 {
		_, err = ns.Lease(ctx, r.Name, uri, r.Lease, safe, r.Tags...)
		return err
	}
	return ns.Register(ctx, r.Name, uri, safe, r.Tags...)
}
