//go:build integration

package integration

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// An outcome is what a client of either language saw of a request. Values are as JSON has them, so that both compare.
type outcome struct {
	value       any
	items       []any
	class, text string // of the exception, or of what ended the items
	traceback   string
	annotations map[string]string // of the reply, as hexadecimal digits
}

// A matrixClient carries requests out as peers/driver.py does.
type matrixClient struct {
	pairing

	t    *testing.T
	uris map[string]string
	do   func(request peers.Request) outcome
}

// newMatrixClient has a proxy of each object by its name, and "another session". python is nil for pyrokit.
func newMatrixClient(t *testing.T, p pairing, python *peers.Client, server matrixServer) matrixClient {
	t.Helper()
	c := matrixClient{pairing: p, t: t, uris: server.uris}
	if python == nil {
		c.do = newGoDriver(t, p).do
	} else {
		c.do = func(request peers.Request) outcome { return seenByPython(t, python.Do(request)) }
	}
	for _, name := range []string{"svc", "session", "single", "percall"} {
		c.connect(name, c.uris[name])
	}
	c.connect("another session", c.uris["session"])
	return c
}

func (c matrixClient) connect(name, uri string) {
	request := c.setup.proxy
	request.Op, request.Proxy, request.URI = "proxy", name, uri
	c.do(request)
}

// call calls a method of "svc".
func (c matrixClient) call(method, args string) outcome {
	return c.do(peers.Request{Op: "call", Proxy: "svc", Method: method, Args: args})
}

// want returns an error unless the request gives this value, or these items, and no exception.
func (c matrixClient) want(request peers.Request, value any) error {
	got := c.do(request)
	if got.class != "" {
		return fmt.Errorf("%s: %s", got.class, got.text)
	}
	return equal(value, got.value)
}

func equal(want, got any) error {
	if want = asJSON(want); !reflect.DeepEqual(want, got) {
		return fmt.Errorf("want %v, got %v", want, got)
	}
	return nil
}

func raises(class string, got outcome) error {
	if got.class != class {
		return fmt.Errorf("want %s, got %s %s %v", class, got.class, got.text, got.value)
	}
	return nil
}

// raisesOwn is raises for one of Pyro's own exceptions.
func raisesOwn(class string, got outcome) error {
	if !strings.HasSuffix(got.class, ".errors."+class) {
		return fmt.Errorf("want Pyro's %s, got %s %s %v", class, got.class, got.text, got.value)
	}
	return nil
}

// eventually waits for what happens in the background.
func eventually(holds func() bool) error {
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(tick) {
		if holds() {
			return nil
		}
	}
	return errors.New("it did not happen")
}

func asJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var same any
	if err := json.Unmarshal(text, &same); err != nil {
		return fmt.Sprint(v)
	}
	return same
}

func seenByPython(t *testing.T, a peers.Answer) outcome {
	t.Helper()
	o := outcome{annotations: a.Annotations}
	if len(a.Value) > 0 {
		require.NoError(t, json.Unmarshal(a.Value, &o.value))
	}
	for _, item := range a.Items {
		var v any
		require.NoError(t, json.Unmarshal(item.Value, &v))
		o.items = append(o.items, v)
	}
	for _, e := range []*peers.Exception{a.Error, a.Failure} {
		if e != nil {
			o.class, o.text, o.traceback = e.Class, e.Text, e.RemoteTraceback
		}
	}
	return o
}

// A goDriver is peers/driver.py in Go, as far as the matrix needs it.
type goDriver struct {
	t       *testing.T
	opts    []service.ProxyOption
	reply   headers
	proxies map[string]*service.Proxy
}

func newGoDriver(t *testing.T, p pairing) *goDriver {
	t.Helper()
	d := &goDriver{t: t, proxies: map[string]*service.Proxy{}}
	d.opts = append(slices.Clone(p.setup.call), service.Use(d.reply.middleware()))
	return d
}

func (d *goDriver) do(r peers.Request) outcome {
	d.t.Helper()
	if r.Op == "proxy" {
		d.proxies[r.Proxy] = proxy(d.t, r.URI, d.opts...)
		return outcome{}
	}
	var o outcome
	err := d.carryOut(r, &o)
	var e *transport.Error
	switch {
	case errors.As(err, &e):
		o.class, o.text, o.traceback = e.Class, err.Error(), strings.Join(e.Traceback, "")
	case err != nil:
		o.text = err.Error()
	}
	switch {
	case errors.Is(err, transport.ErrTimeout):
		o.class = "pyrokit.errors.TimeoutError" // for what is an exception of Pyro's own in Python
	case err != nil && o.class == "":
		o.class = "error of this side"
	}
	o.annotations = map[string]string{}
	for _, a := range d.reply.get().Annotations {
		o.annotations[a.Key] = hex.EncodeToString(a.Value)
	}
	return o
}

func (d *goDriver) carryOut(r peers.Request, o *outcome) error {
	ctx, p := within(d.t, soon), d.proxies[r.Proxy]
	args := d.arguments(r)
	for key, value := range r.Annotations {
		bytes, err := hex.DecodeString(value)
		require.NoError(d.t, err)
		args = append(args, service.WithAnnotation(key, bytes))
	}
	if r.CorrelationID != "" {
		ctx = transport.WithCorrelationID(ctx, uuid.MustParse(r.CorrelationID))
	}
	var err error
	switch r.Op {
	case "call":
		if r.Save != "" {
			d.proxies[r.Save], err = service.Call[*service.Proxy](ctx, p, r.Method, args...)
			return err
		}
		o.value, err = service.Call[any](ctx, p, r.Method, args...)
	case "blob":
		o.value, err = service.Call[any](ctx, p, r.Method, service.NewSerializedBlob(r.Info, args))
	case "get":
		o.value, err = service.Get[any](ctx, p, r.Attr)
	case "set":
		return service.Set(ctx, p, r.Attr, d.literal(r.Value))
	case "iterate":
		for item, err := range service.Stream[any](ctx, p, r.Method, args...) {
			if err != nil {
				return err
			}
			if o.items = append(o.items, asJSON(item)); r.Limit != nil && len(o.items) == *r.Limit {
				break
			}
		}
	case "batch":
		return d.batch(r, o)
	case "metadata":
		info, err := p.Info(ctx)
		if err == nil {
			o.value = map[string]any{"methods": info.Metadata.Methods, "oneway": info.Metadata.Oneway, "attrs": info.Metadata.Attrs}
		}
		o.value = asJSON(o.value)
		return err
	case "reconnect": // the next call does it
	case "release":
		return p.Close()
	case "callback":
		return d.callback(r, o)
	default:
		d.t.Fatalf("no such request: %s", r.Op)
	}
	o.value = asJSON(o.value)
	return err
}

func (d *goDriver) batch(r peers.Request, o *outcome) error {
	b := d.proxies[r.Proxy].Batch()
	for _, call := range r.Calls {
		service.Queue[any](b, call.Method, d.arguments(call)...)
	}
	if r.Oneway {
		return b.Do(within(d.t, soon), service.AsOneway())
	}
	err := b.Do(within(d.t, soon))
	for result, failure := range b.Results() {
		if failure == nil {
			o.items = append(o.items, asJSON(result))
		}
	}
	return err
}

// callback passes an object of this side as the first argument.
func (d *goDriver) callback(r peers.Request, o *outcome) error {
	calls := [][]any{}
	back := service.New("callback").Method("report", func(args ...any) int {
		calls = append(calls, args)
		return len(calls)
	})
	serve(d.t, back)
	result, err := service.Call[any](within(d.t, soon), d.proxies[r.Proxy], r.Method, append([]any{back}, d.arguments(r)...)...)
	o.value, o.items = asJSON(calls), []any{asJSON(result)}
	return err
}

func (d *goDriver) arguments(r peers.Request) []any {
	var args []any
	if r.Args != "" {
		require.NoError(d.t, serpent.Unmarshal([]byte(r.Args), &args))
	}
	if r.Kwargs != "" {
		kwargs := service.Kwargs{}
		require.NoError(d.t, serpent.Unmarshal([]byte(r.Kwargs), (*map[string]any)(&kwargs)))
		args = append(args, kwargs)
	}
	return args
}

func (d *goDriver) literal(text string) (v any) {
	require.NoError(d.t, serpent.Unmarshal([]byte(text), &v))
	return v
}

// features are the rows of the matrix.
func features() []feature {
	return []feature{
		{name: "call", try: plainCall},
		{name: "keyword arguments", try: func(c matrixClient) error {
			return c.want(peers.Request{Op: "call", Proxy: "svc", Method: "add", Args: "(20,)", Kwargs: "{'b': 22}"}, 42)
		}},
		{name: "attributes", try: attributes},
		{name: "metadata", try: knowsMetadata},
		{name: "special methods", try: func(c matrixClient) error {
			return c.want(peers.Request{Op: "call", Proxy: "svc", Method: "__len__"}, 3)
		}},
		{name: "one-way call", try: func(c matrixClient) error {
			return notifies(c, func(value string) { c.call("notify", "("+value+",)") })
		}},
		{name: "batch", try: func(c matrixClient) error {
			got := c.do(peers.Request{Op: "batch", Proxy: "svc", Calls: calls("add", "(1, 2)", "add", "(3,)")})
			return errors.Join(raises("", got), equal([]int{3, 5}, asJSON(got.items)))
		}},
		{name: "one-way batch", try: func(c matrixClient) error {
			return notifies(c, func(value string) {
				c.do(peers.Request{Op: "batch", Proxy: "svc", Oneway: true, Calls: calls("notify", "("+value+",)")})
			})
		}},
		{name: "exception in a batch", try: func(c matrixClient) error {
			got := c.do(peers.Request{Op: "batch", Proxy: "svc", Calls: calls("add", "(1, 2)", "fail", "('value',)", "add", "(3,)")})
			return errors.Join(raises("builtins.ValueError", got), equal([]int{3}, asJSON(got.items)))
		}},
		{name: "iterator", try: func(c matrixClient) error {
			got := c.do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream", Args: "(3,)"})
			return errors.Join(raises("", got), equal([]int{0, 1, 2}, asJSON(got.items)))
		}},
		{name: "iterator left early", try: leavesEarly},
		{name: "iterator's exception", try: func(c matrixClient) error {
			got := c.do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream_fails"})
			return errors.Join(raises("builtins.ValueError", got), equal([]int{1, 2}, asJSON(got.items)))
		}},
		{name: "exception classes", try: exceptions},
		{name: "remote traceback", try: func(c matrixClient) error {
			if got := c.call("fail", "('value',)"); !strings.Contains(got.traceback, "fail") {
				return fmt.Errorf("the traceback does not name the method: %q", got.traceback)
			}
			return nil
		}},
		{name: "correlation id", try: func(c matrixClient) error { return sendsAlong(c, "correlation_id") }},
		{name: "annotations", try: func(c matrixClient) error { return sendsAlong(c, "annotations") }},
		{name: "answer's annotations", try: func(c matrixClient) error {
			return equal(hex.EncodeToString([]byte("from the method")), asJSON(c.call("annotated", "()").annotations["RESP"]))
		}},
		{name: "daemon's annotations", setup: annotating, try: func(c matrixClient) error {
			return equal(hex.EncodeToString([]byte("from the daemon")), asJSON(c.call("add", "(1,)").annotations["DMON"]))
		}},
		{name: "handshake data", setup: greeted, try: plainCall},
		{name: "SerializedBlob", try: func(c matrixClient) error {
			return c.want(peers.Request{Op: "blob", Proxy: "svc", Method: "blob", Info: "topic", Args: "(1, 'two')"},
				[]any{"topic", []any{1, "two"}})
		}},
		{name: "autoproxy", try: autoproxy},
		{name: "callback", try: callsBack},
		{name: "instance a session", try: sessions},
		{name: "single instance", try: singles},
		{name: "instance a call", try: perCalls},
		{name: "tracked resources", try: tracksResources},
		{name: "timeout", setup: impatient, try: func(c matrixClient) error {
			return raisesOwn("TimeoutError", c.call("sleep", "(60,)"))
		}},
		{name: "reconnect", try: reconnects},
		{name: "name at pyrokit's", setup: knownTo(parties[0]), try: findsByName},
		{name: "name at Pyro4's", setup: knownTo(parties[1]), try: findsByName, excuse: notFor(peers.Pyro5, wires)},
		{name: "name at Pyro5's", setup: knownTo(parties[2]), try: findsByName, excuse: notFor(peers.Pyro4, wires)},
		{name: "serpent", setup: speaking("serpent"), try: speaks},
		{name: "json", setup: speaking("json"), try: speaks},
		{name: "marshal", setup: speaking("marshal"), try: speaks},
		{name: "msgpack", setup: speaking("msgpack"), try: speaks},
		{name: "pickle", setup: speaking("pickle"), try: speaks, excuse: notFor(peers.Pyro5, onlyPyro4)},
		{name: "compression", setup: compressed, try: func(c matrixClient) error {
			long := strings.Repeat("x", 100_000)
			return c.want(peers.Request{Op: "call", Proxy: "svc", Method: "echo", Args: "('" + long + "',)"}, long)
		}},
		{name: "HMAC", setup: signed, try: plainCall, excuse: notFor(peers.Pyro5, onlyPyro4)},
		{name: "TLS, both certified", setup: throughTLS, try: plainCall},
		{name: "unix socket", setup: onUnix, try: plainCall},
		{name: "IPv6", setup: onIPv6, try: plainCall},
	}
}

// calls are requests of a batch: methods and their arguments in turn.
func calls(what ...string) (all []peers.Request) {
	for i := 0; i < len(what); i += 2 {
		all = append(all, peers.Request{Method: what[i], Args: what[i+1]})
	}
	return all
}

func plainCall(c matrixClient) error {
	return c.want(peers.Request{Op: "call", Proxy: "svc", Method: "add", Args: "(20, 22)"}, 42)
}

func attributes(c matrixClient) error {
	set := c.do(peers.Request{Op: "set", Proxy: "svc", Attr: "velocity", Value: "4.5"})
	return errors.Join(
		raises("", set),
		c.want(peers.Request{Op: "get", Proxy: "svc", Attr: "velocity"}, 4.5),
		raises("builtins.AttributeError", c.do(peers.Request{Op: "set", Proxy: "svc", Attr: "readonly", Value: "1"})),
	)
}

func knowsMetadata(c matrixClient) error {
	got := c.do(peers.Request{Op: "metadata", Proxy: "svc"})
	known, _ := got.value.(map[string]any)
	for kind, name := range map[string]string{"methods": "add", "oneway": "notify", "attrs": "velocity"} {
		if names, _ := known[kind].([]any); !slices.Contains(names, any(name)) {
			return fmt.Errorf("%s is none of the %s %v; %s", name, kind, names, got.text)
		}
	}
	return nil
}

// notifies sends a value that no other cell sends and waits until it has been received.
func notifies(c matrixClient, send func(value string)) error {
	value := fmt.Sprintf("%s %s %d", c.t.Name(), c.client.name, time.Now().UnixNano())
	send("'" + value + "'")
	return eventually(func() bool {
		received, _ := c.call("received", "()").value.([]any)
		return slices.Contains(received, any(value))
	})
}

func leavesEarly(c matrixClient) error {
	closed, _ := c.call("streams_closed", "()").value.(float64)
	one := 1
	got := c.do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream", Args: "(1000000,)", Limit: &one})
	return errors.Join(raises("", got), equal([]int{0}, asJSON(got.items)), eventually(func() bool {
		now, _ := c.call("streams_closed", "()").value.(float64)
		return now == closed+1
	}))
}

func exceptions(c matrixClient) error {
	errs := []error{}
	for kind, class := range map[string]string{
		"value": "builtins.ValueError", "key": "builtins.KeyError", "file": "builtins.FileNotFoundError",
	} {
		errs = append(errs, raises(class, c.call("fail", "('"+kind+"',)")))
	}
	return errors.Join(append(errs, raisesOwn("NamingError", c.call("fail", "('naming',)")))...)
}

func sendsAlong(c matrixClient, what string) error {
	got := c.do(peers.Request{
		Op: "call", Proxy: "svc", Method: "context", CorrelationID: correlationID,
		Annotations: map[string]string{"ABCD": hex.EncodeToString([]byte("one"))},
	})
	seen, _ := got.value.(map[string]any)
	if what == "correlation_id" {
		return errors.Join(raises("", got), equal(correlationID, seen[what]))
	}
	annotations, _ := seen[what].(map[string]any)
	if value := annotations["ABCD"]; value != "one" && value != hex.EncodeToString([]byte("one")) { // Go's method gives text
		return fmt.Errorf("%v arrived; %s", annotations, got.text)
	}
	return nil
}

func autoproxy(c matrixClient) error {
	got := c.do(peers.Request{Op: "call", Proxy: "svc", Method: "new_counter", Save: "counter"})
	n, ok := c.do(peers.Request{Op: "call", Proxy: "counter", Method: "increment"}).value.(float64)
	if !ok || n < 1 {
		return fmt.Errorf("what arrived is no counter: %v %s", got.value, got.text)
	}
	return raises("", got)
}

func callsBack(c matrixClient) error {
	got := c.do(peers.Request{Op: "callback", Proxy: "svc", Method: "call_back", Args: "('report', 'x')"})
	return errors.Join(raises("", got), equal([]any{[]any{"x"}}, got.value), equal([]any{1}, asJSON(got.items)))
}

func sessions(c matrixClient) error {
	increment := peers.Request{Op: "call", Proxy: "session", Method: "increment"}
	another := peers.Request{Op: "call", Proxy: "another session", Method: "increment"}
	return errors.Join(c.want(increment, 1), c.want(increment, 2), c.want(another, 1))
}

func singles(c matrixClient) error {
	increment := peers.Request{Op: "call", Proxy: "single", Method: "increment"}
	before, ok := c.do(increment).value.(float64)
	if !ok {
		return errors.New("no number")
	}
	c.connect("single", c.uris["single"])
	return c.want(increment, before+1)
}

func perCalls(c matrixClient) error {
	increment := peers.Request{Op: "call", Proxy: "percall", Method: "increment"}
	return errors.Join(c.want(increment, 1), c.want(increment, 1))
}

// tracksResources leaves without closing what it opened.
func tracksResources(c matrixClient) error {
	closed := func() float64 {
		n, _ := c.call("resources_closed", "()").value.(float64)
		return n
	}
	before := closed()
	c.connect("guest", c.uris["svc"])
	opened := c.do(peers.Request{Op: "call", Proxy: "guest", Method: "open"})
	if now := closed(); now != before {
		return fmt.Errorf("closed already: %v, then %v", before, now)
	}
	c.do(peers.Request{Op: "release", Proxy: "guest"})
	return errors.Join(raises("", opened), eventually(func() bool { return closed() == before+1 }))
}

// findsByName looks the service up, which may not be known yet when its server has just started.
func findsByName(c matrixClient) error {
	name := "test.svc"
	if c.server.dialect == 0 {
		name = "svc"
	}
	return eventually(func() bool {
		c.connect("found", "PYRONAME:"+name+"@"+c.setup.names)
		return c.want(peers.Request{Op: "call", Proxy: "found", Method: "add", Args: "(20, 22)"}, 42) == nil
	})
}

// reconnects cuts the connection in the middle; the client may see one error, and goes on.
func reconnects(c matrixClient) error {
	scheme, location, _ := strings.Cut(c.uris["svc"], "@")
	between := newCutter(c.t, location)
	c.connect("svc", scheme+"@"+between.Addr().String())
	if err := plainCall(c); err != nil {
		return err
	}
	between.cut()
	c.call("add", "(1,)")
	c.do(peers.Request{Op: "reconnect", Proxy: "svc"})
	return plainCall(c)
}

// A cutter stands between client and server and cuts their connections.
type cutter struct {
	net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{Listener: l}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(c.cut)
	t.Cleanup(func() { _ = l.Close() })
	wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.keep(near, far)
			wg.Go(func() { _, _ = io.Copy(near, far) })
			wg.Go(func() { _, _ = io.Copy(far, near) })
		}
	})
	return c
}

func (c *cutter) keep(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conns...)
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// speaks sends values of the kinds that every serializer has.
func speaks(c matrixClient) error {
	return c.want(peers.Request{Op: "call", Proxy: "svc", Method: "echo", Args: "({'list': [1, 2.5, 'ü', True, None]},)"},
		map[string]any{"list": []any{1, 2.5, "ü", true, nil}})
}
