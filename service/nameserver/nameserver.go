package nameserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// ObjectName is the id, and the name, of the name server.
const ObjectName = nameserver.ObjectName

// selfTags is the metadata that Python's name servers register themselves with, one for each dialect.
var selfTags = []string{"class:Pyro4.naming.NameServer", "class:Pyro5.nameserver.NameServer"}

// A NameServer answers for names. Its methods may be called concurrently.
type NameServer struct {
	cfg       config
	errs      error // of the options
	store     storage.Storage
	log       *slog.Logger
	immediate bool // store keeps no context of a Get, whose memory may then serve the next call

	closing context.Context //nolint:containedctx // of the watches, which end with the name server and not with a call
	close   context.CancelFunc
	leases  leases
	// unexpired is set while names whose leases have ended cannot be removed. It is expire's, which one goroutine at a time calls.
	unexpired bool
	loadOnce  sync.Once
	adopting  sync.WaitGroup
	watchers  atomic.Int64
	// forOthers is set if other machines can reach the name server at the address that it is known by.
	forOthers atomic.Bool
	numbers   numbers
	cleaner   cleaner
	srv       *service.Server

	mu        sync.Mutex // guards what follows
	started   bool
	uri       pyro.URI
	responder *responder
	tasks     sync.WaitGroup
}

// New returns a name server. What is wrong with its options, Start and Run return.
func New(opts ...Option) *NameServer {
	n := &NameServer{}
	var errs []error
	for _, o := range opts {
		errs = append(errs, o.apply(&n.cfg))
	}
	n.errs = errors.Join(errs...)
	if n.store = n.cfg.store; n.store == nil {
		n.store = storage.NewMemory()
	}
	n.immediate = isImmediate(n.store)
	if n.log = n.cfg.log; n.log == nil {
		n.log = slog.Default()
	}
	n.closing, n.close = context.WithCancel(context.Background())
	n.leases.expire = n.expire
	n.leases.late = func(by time.Duration) {
		n.log.Warn("the name server did not run for a while: all leases run anew", "late", by)
	}
	n.cleaner = newCleaner(n)
	n.srv = n.newServer()
	return n
}

// isImmediate tells whether s, and not only a storage embedded in it, is a storage.Immediate.
func isImmediate(s storage.Storage) bool {
	i, is := s.(storage.Immediate)
	return is && i.Immediate() == s
}

// newServer returns the server of Start.
func (n *NameServer) newServer() *service.Server {
	opts := append([]service.ServerOption{service.Logger(n.log)}, n.cfg.server...)
	if !n.cfg.listens {
		opts = append(opts, service.Listen("tcp", net.JoinHostPort("localhost", strconv.Itoa(pyro.DefaultNSPort))))
	}
	return service.NewServer(opts...)
}

// RegisterSelf makes the name server known under its own name, as Python's are. Start and Run do it by themselves. On a full
// disk the name is in memory only, where the storage can do that.
func (n *NameServer) RegisterSelf(uri pyro.URI) error {
	r := storage.Record{Name: ObjectName, URI: uri.String(), Tags: selfTags}
	err := n.store.Put(n.closing, r, false)
	if s, can := n.store.(storage.Volatile); can && errors.Is(err, storage.ErrFull) {
		n.log.Error("the storage is full: names can be looked up only, and the name server's own is in memory only", "error", err)
		return s.PutVolatile(r)
	}
	return err
}

// Close ends watches; from then on no lease ends. It is for name servers whose Service is served by another server; Shutdown
// and Run do it by themselves.
func (n *NameServer) Close() {
	n.close()
	n.leases.close()
	n.adopting.Wait()
}

// Service returns the object for another server to answer for, and begins to let leases end, until Close.
func (n *NameServer) Service() *service.Service {
	n.loadOnce.Do(n.loadLeases)
	return n.object()
}

func (n *NameServer) object() *service.Service {
	null := func(name string) service.ParamDefault { return service.Default(name, nil) }
	s := service.New(ObjectName).AsClass("NameServer")
	s.Method("ping", func() { n.numbers.ping.count() })
	s.Method("count", n.count)
	s.Method("register", n.register, service.Params("name", "uri", service.Default("safe", false), null("metadata")))
	s.Method("lookup", n.lookup, service.Params("name", service.Default("return_metadata", false)))
	s.Method("list", n.list, service.Params(null("prefix"), null("regex"), null("metadata_all"), null("metadata_any"),
		service.Default("return_metadata", false)))
	s.Method("yplookup", n.yplookup, service.Params(null("meta_all"), null("meta_any"),
		service.Default("return_metadata", true)))
	s.Method("set_metadata", n.setMetadata, service.Params("name", "metadata"))
	s.Method("remove", n.remove, service.Params(null("name"), null("prefix"), null("regex")))
	s.Method("lease", n.lease, service.Params("name", "uri", "seconds", null("metadata"), service.Default("safe", false)))
	s.Method("leases", n.leased, service.Params(null("prefix")))
	s.Method("complete", n.complete, service.Params(null("prefix")))
	s.Method("watch", n.watch, service.Params(null("prefix"), null("interval"), null("most")))
	return s
}
