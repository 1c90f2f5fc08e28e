package service

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/transport"
)

// Single returns a Service with one instance, which factory makes at the first call that needs it, for all
// callers. They call it at the same time, and nobody closes it. A value that is there already is served by
// [Of].
//
// The service has every exported method of T by its name in snake_case or as [Names] has it, like [Of], but for Close
// where T is an io.Closer. An error of factory goes to the caller, and the next call tries again; the
// context is that of the call.
func Single[T any](factory func(context.Context) (T, error), opts ...ExposeOption) *Service {
	return newInstances(single, factory, opts)
}

// PerSession returns a Service with an instance for each connection, as Pyro has it by default for a
// registered class (instance mode "session"): factory makes it at the connection's first call that needs
// it. No two goroutines call an instance at the same time. One that is an io.Closer is closed when its
// connection has ended and what it does then is over, one-way calls that arrived before and iterators
// that a client may come back for included. In all else it is as [Single] says.
func PerSession[T any](factory func(context.Context) (T, error), opts ...ExposeOption) *Service {
	return newInstances(perSession, factory, opts)
}

// PerCall returns a Service with an instance for each call that needs one. One that is an io.Closer is
// closed after the call, or when the remote iterator has ended that the call returned. In all else it is
// as [Single] says.
func PerCall[T any](factory func(context.Context) (T, error), opts ...ExposeOption) *Service {
	return newInstances(perCall, factory, opts)
}

type instanceMode uint8

const (
	single instanceMode = iota
	perSession
	perCall
)

// instances are what the methods of one Service are called with. The pointer is their key in sessions.
type instances struct {
	mode   instanceMode
	typ    reflect.Type
	create func(context.Context) (reflect.Value, error)

	one instance // of mode single
}

func newInstances[T any](mode instanceMode, factory func(context.Context) (T, error), opts []ExposeOption) *Service {
	t := reflect.TypeFor[T]()
	base := t
	if base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	s := New(SnakeCase(base.Name()))
	if factory == nil {
		return s.fail(fmt.Errorf("the factory of %s is nil", t))
	}
	s.instances = &instances{mode: mode, typ: t, create: func(ctx context.Context) (reflect.Value, error) {
		made, err := factory(ctx)
		if err != nil {
			return reflect.Value{}, err
		}
		v := reflect.ValueOf(&made).Elem()
		if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
			return v, typeError("the factory of %s returned nil", t)
		}
		return v, nil
	}}
	return s.exposeType(t, newExposeConfig(opts))
}

// exposeType adds every exported method of t, to be called with an instance.
func (s *Service) exposeType(t reflect.Type, cfg *exposeConfig) *Service {
	if t.Kind() == reflect.Interface {
		return s.fail(fmt.Errorf("%s is an interface: name the type of the instances", t))
	}
	taken := map[string]string{}
	for m := range t.Methods() {
		if m.Name == "Close" && t.Implements(reflect.TypeFor[io.Closer]()) {
			continue // for the end of the connection, not for callers
		}
		name, err := cfg.method(m.Name, taken)
		if err != nil {
			return s.fail(err)
		}
		if name == "" {
			continue
		}
		s.Method(name, m.Func.Interface(), as(t.String()+"."+m.Name, sourceOf(t, m)))
	}
	return s
}

// get returns the instance for a call, held.
func (i *instances) get(ctx context.Context, call *transport.Call) (*instance, error) {
	inst := &i.one
	switch {
	case i.mode == single:
	case i.mode == perCall, call.Peer == nil, call.Peer.Session == nil:
		inst = &instance{alone: true, once: true}
	default:
		var err error
		if inst, err = i.ofSession(call.Peer.Session); err != nil {
			return nil, err
		}
	}
	if err := inst.fill(ctx, i.create); err != nil {
		return nil, err
	}
	return inst, nil
}

// ofSession returns the instance of a connection. After the session's end it is one for the call alone.
func (i *instances) ofSession(session *transport.Session) (*instance, error) {
	v, err := session.Load(i, func() (any, error) { return &instance{alone: true}, nil })
	if err != nil {
		return nil, err
	}
	inst, _ := v.(*instance)
	if session.Ended() {
		_ = inst.Close()
	}
	return inst, nil
}

// An instance is a value that methods are called with. All methods of a nil *instance do nothing.
type instance struct {
	alone bool // one goroutine at a time may call it
	once  bool // it is for one call, or for the iterator that the call returns

	mu    sync.Mutex // held by who calls an instance that is alone, else only while it is made
	made  bool
	value reflect.Value

	doomed atomic.Bool // whoever holds it closes it when done
}

// fill makes the value if it is not there yet, and holds the instance for the caller.
func (i *instance) fill(ctx context.Context, create func(context.Context) (reflect.Value, error)) (err error) {
	i.mu.Lock()
	held := false
	defer func() { // factory may panic
		if !held || !i.alone {
			i.mu.Unlock()
		}
	}()
	if !i.made {
		if i.value, err = create(ctx); err != nil {
			return err
		}
		i.made = true
	}
	if i.once {
		i.doomed.Store(true)
	}
	held = true
	return nil
}

// hold waits until nobody else calls the instance.
func (i *instance) hold() {
	if i != nil && i.alone {
		i.mu.Lock()
	}
}

// release lets others call the instance, and closes it if it was to end.
func (i *instance) release() {
	if i == nil || !i.alone {
		return
	}
	i.mu.Unlock()
	if i.doomed.Load() {
		i.reap()
	}
}

// outlive keeps an instance that is for one call until the returned function is called, which calls cancel,
// too.
func (i *instance) outlive(cancel func()) func() {
	if i == nil || !i.once {
		return cancel
	}
	i.doomed.Store(false)
	return func() {
		cancel()
		_ = i.Close()
	}
}

// Close ends the instance: its value is closed once nobody calls it any more.
func (i *instance) Close() error {
	i.doomed.Store(true)
	i.reap()
	return nil
}

// reap closes the value unless somebody calls it, who will.
func (i *instance) reap() {
	if !i.mu.TryLock() {
		return
	}
	defer i.mu.Unlock()
	if !i.made {
		return
	}
	i.made = false
	if c, ok := reflect.TypeAssert[io.Closer](i.value); ok {
		_ = c.Close() // nobody is left to tell
	}
	i.value = reflect.Value{}
}
