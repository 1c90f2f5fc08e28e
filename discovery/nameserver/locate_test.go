package nameserver_test

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	nsservice "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// silent returns a location where somebody accepts connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l.Addr().String()
}

func locate(t *testing.T, l nameserver.Locator) string {
	t.Helper()
	c, err := l.Locate(t.Context())
	require.NoError(t, err)
	defer c.Close()
	return c.URI().Location()
}

func port(t *testing.T, location string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(location)
	require.NoError(t, err)
	return port
}

func TestLocationsAreTriedByTurns(t *testing.T) {
	one, two := start(t), start(t)
	require.Equal(t, one, locate(t, nameserver.Locator{Locations: []string{one, two}, Stagger: time.Hour}))
	require.Equal(t, two, locate(t, nameserver.Locator{Locations: []string{nobody(t), two, one}, Stagger: time.Hour}), "a failure is no reason to wait")
	require.Equal(t, two, locate(t, nameserver.Locator{Locations: []string{silent(t), two}, Stagger: time.Millisecond}), "one that says nothing holds nobody up")
}

func TestWhereNoNameServerIs(t *testing.T) {
	one, two := nobody(t), nobody(t)
	_, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, one, two)
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.ErrorContains(t, err, "failed to locate the name server: ")
	require.ErrorContains(t, err, one)
	require.ErrorContains(t, err, two)
	require.NotContains(t, err.Error(), "\n")

	_, err = nameserver.Locate(t.Context(), pyro.DialConfig{}, "a b:c")
	require.ErrorIs(t, err, pyro.ErrURI)

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = nameserver.Locate(ctx, pyro.DialConfig{}, silent(t), silent(t))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestANameServerOfThisMachine(t *testing.T) {
	location := start(t)
	t.Setenv("PYRO_NS_HOST", "127.0.0.1")
	t.Setenv("PYRO_NS_PORT", port(t, location))
	require.Equal(t, location, locate(t, nameserver.Locator{}))

	n, err := strconv.Atoi(port(t, location))
	require.NoError(t, err)
	t.Setenv("PYRO_NS_PORT", port(t, nobody(t)))
	require.Equal(t, location, locate(t, nameserver.Locator{Port: n}))
	_, err = (&nameserver.Locator{}).Locate(t.Context())
	require.ErrorIs(t, err, transport.ErrUnavailable)
}

func TestANameServerThatTheNetworkTells(t *testing.T) {
	location := start(t)
	udp := responder(t, []string{nsAt(location)}, []string{nsAt(location)})
	t.Setenv("PYRO_NS_HOST", "127.0.0.1")
	t.Setenv("PYRO_NS_PORT", port(t, nobody(t)))
	l := nameserver.Locator{Broadcast: true, BroadcastPort: udp, BroadcastAddresses: []string{"127.0.0.1"}}
	require.Equal(t, location, locate(t, l))
	l.BroadcastPort, l.Port = 1, udp // a port without a host is that of broadcasts
	require.Equal(t, location, locate(t, l))
	l.Dial.PreferIP = 6
	_, err := l.Locate(t.Context())
	require.ErrorIs(t, err, transport.ErrUnavailable)
}

func TestANameServerOnAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	srv := service.NewServer(service.Listen("unix", path))
	require.NoError(t, srv.Add(nsservice.New().Service()))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.Background())) }()
	require.Equal(t, "./u:"+path, locate(t, nameserver.Locator{Locations: []string{"./u:" + path}}))
	t.Setenv("PYRO_NS_HOST", "./u:"+path)
	require.Equal(t, "./u:"+path, locate(t, nameserver.Locator{}))
}

// counting counts the connections that are open.
type counting struct {
	open, made atomic.Int32
}

func (c *counting) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.made.Add(1)
	c.open.Add(1)
	return &counted{Conn: conn, closed: sync.OnceFunc(func() { c.open.Add(-1) })}, nil
}

type counted struct {
	net.Conn

	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

func TestAResolverHoldsAConnectionOnlyWhileItIsUsed(t *testing.T) {
	location := start(t)
	var c counting
	cfg := pyro.DialConfig{Dial: c.dial}
	r := nameserver.NewResolver(nameserver.Locator{Dial: cfg, Locations: []string{location}})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := r.Find(t.Context(), discovery.Query{})
			require.NoError(t, err)
			_, err = r.Resolve(t.Context(), "none")
			require.ErrorIs(t, err, transport.ErrNotFound)
		})
	}
	wg.Wait()
	require.Zero(t, c.open.Load())

	made := c.made.Load()
	registrar := nameserver.Registrar(cfg, location)
	for range 3 {
		require.NoError(t, registrar.Register(t.Context(), discovery.Entry{Name: "app", URI: uri(t, "PYRO:o@h:1")}))
	}
	require.Less(t, c.made.Load(), made+3, "a round shares its connection")
	require.Eventually(t, func() bool { return c.open.Load() == 0 }, soon, time.Millisecond)
}

func TestASearchThatIsCancelledSaysSo(t *testing.T) {
	for _, l := range []nameserver.Locator{
		{Locations: []string{silent(t), silent(t)}},
		{Port: 1, Broadcast: true, BroadcastAddresses: []string{"127.0.0.1"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		_, err := l.Locate(ctx)
		require.Equal(t, transport.CodeCanceled, transport.AsError(err).Code)
		require.ErrorContains(t, err, "failed to locate the name server: ")
	}
}

// Who gives a lookup up must not end that of somebody else, who has more time.
func TestALookupOutlivesAnotherThatIsGivenUp(t *testing.T) {
	asked, answer := make(chan string, 2), make(chan struct{})
	svc := service.New(nameserver.ObjectName).Method("ping", func() {})
	svc.Method("lookup", func(name string, _ bool) (string, []string) {
		asked <- name
		<-answer
		return "PYRO:o@h:1", nil
	}, service.Params("name", "return_metadata"))
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(svc))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) }()
	r := nameserver.NewResolver(nameserver.Locator{Locations: []string{srv.URI("").Location()}})
	patient := make(chan error, 1)
	go func() {
		_, err := r.Resolve(t.Context(), "patient")
		patient <- err
	}()
	require.Equal(t, "patient", <-asked)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := r.Resolve(ctx, "hasty")
	require.ErrorIs(t, err, transport.ErrTimeout)
	close(answer)
	require.NoError(t, <-patient)
}

func TestAResolverFindsAnotherNameServerWhenItsOwnIsGone(t *testing.T) {
	one, stop := startAt(t, "127.0.0.1:0")
	two := start(t)
	r := nameserver.NewResolver(nameserver.Locator{Locations: []string{one, two}})
	registrar := nameserver.Registrar(pyro.DialConfig{}, one, two)
	app := discovery.Entry{Name: "app", URI: uri(t, "PYRO:o@h:1")}
	require.NoError(t, registrar.Register(t.Context(), app))
	_, err := r.Resolve(t.Context(), "app")
	require.NoError(t, err)
	stop()
	_, err = r.Resolve(t.Context(), "app")
	require.ErrorIs(t, err, transport.ErrNotFound, "the other one does not know it")
	require.NoError(t, registrar.Register(t.Context(), app))
	_, err = r.Resolve(t.Context(), "app")
	require.NoError(t, err)
}

// A location that hangs costs a wait now and then, not at each lookup.
func TestAResolverRemembersWhereItWasAnswered(t *testing.T) {
	hanging, good := silent(t), start(t)
	require.NoError(t, nameserver.Registrar(pyro.DialConfig{}, good).Register(t.Context(),
		discovery.Entry{Name: "app", URI: uri(t, "PYRO:o@h:1")}))
	var mu sync.Mutex
	var dialed []string
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		dialed = append(dialed, address)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	places := func(locations ...string) func() []string {
		r := nameserver.NewResolver(nameserver.Locator{
			Dial: pyro.DialConfig{Dial: dial}, Locations: locations, Stagger: time.Millisecond,
		})
		return func() []string {
			dialed = nil
			_, err := r.Resolve(t.Context(), "app")
			require.NoError(t, err)
			return dialed
		}
	}

	resolve := places(hanging, good)
	require.Equal(t, []string{hanging, good}, resolve())
	for range 3 {
		require.Equal(t, good, resolve()[0])
	}

	nameserver.StickTime(t, time.Nanosecond)
	resolve = places(hanging, good)
	for range 3 {
		require.Equal(t, hanging, resolve()[0], "in its time, the order counts again")
	}
}
