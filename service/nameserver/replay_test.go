package nameserver_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

const (
	vectors  = "../../transport/pyro/testdata/vectors"
	patience = 20 * time.Second // how long to wait for what must come
)

// The name servers that were captured listened here.
var capturedAddress = map[string]string{"pyro4": "127.0.0.1:48006", "pyro5": "127.0.0.1:50207"}

// pythonsOwn are the texts that Python's name servers get from Python itself; ours says the same in
// other words.
var pythonsOwn = map[string]string{
	"list-bad-regex": `errors.NamingError("invalid regex: `,
}

// pythonsFaults are answers that Python could not encode: Pyro5 keeps a frozenset where there was no
// metadata.
var pythonsFaults = map[string]string{
	"pyro5/json/list-metadata": `app.two:["PYRO:two@host2:1002" []]`,
}

// same makes equal what differs on purpose, or is an order that Python's sets happened to have.
var same = strings.NewReplacer(
	`["red" "blue"]`, `["blue" "red"]`,
	// One object answers for both dialects: it has the methods and tags of both.
	`"set_metadata" "watch" "yplookup"]`, `"set_metadata"]`,
	`"set_metadata" "yplookup"]`, `"set_metadata"]`,
	`"complete" "count" "lease" "leases" "list"`, `"count" "list"`,
	`"set_metadata" "watch" "yplookup"}`, `"set_metadata" "yplookup"}`,
	`"class:Pyro4.naming.NameServer" "class:Pyro5.nameserver.NameServer"`, `"class:PyroN"`,
	`"class:Pyro4.naming.NameServer"`, `"class:PyroN"`,
	`"class:Pyro5.nameserver.NameServer"`, `"class:PyroN"`,
)

// start serves a name server in memory that has registered itself.
func start(t *testing.T, opts ...nameserver.Option) (ns *nameserver.NameServer, address string) {
	t.Helper()
	ns = nameserver.New(opts...)
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	t.Cleanup(func() {
		ns.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
	})
	uri := srv.URI(nameserver.ObjectName)
	require.NoError(t, ns.RegisterSelf(uri))
	_, address = uri.Address()
	return ns, address
}

func TestNameServerAnswersAsPythonDid(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		_, address := start(t)
		var conn net.Conn
		n := 0
		for _, e := range vectortest.Exchanges(t, vectors, dialect) {
			what, ok := strings.CutPrefix(e.Name, "nameserver/")
			if !ok {
				continue
			}
			n++
			t.Run(dialect+"/"+what, func(t *testing.T) {
				for _, m := range e.Messages {
					if m.Type == "CONNECT" {
						conn = dial(t, address)
					}
					if m.From == "client" {
						_, err := conn.Write(m.Hex)
						require.NoError(t, err)
						continue
					}
					got, err := vectortest.ReadFrame(conn)
					require.NoError(t, err)
					want, err := vectortest.ReadFrame(bytes.NewReader(m.Hex))
					require.NoError(t, err)
					_, label, _ := strings.Cut(what, "/")
					if instead, ok := pythonsFaults[dialect+"/"+what]; ok {
						require.Contains(t, describe(t, want), "SerializeError")
						require.Contains(t, describe(t, got), instead)
						continue
					}
					requireSameAnswer(t, label, address, want, got)
				}
			})
		}
		require.Greater(t, n, 50)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

func requireSameAnswer(t *testing.T, label, address string, want, got *vectortest.Frame) {
	t.Helper()
	require.Equal(t, want.Type, got.Type)
	require.Equal(t, want.Seq, got.Seq)
	require.Equal(t, want.Serializer, got.Serializer)
	wantText, gotText := describe(t, want), describe(t, got)
	if text, ok := pythonsOwn[label]; ok {
		require.Contains(t, wantText, text)
		require.Contains(t, gotText, text)
		return
	}
	gotText = strings.ReplaceAll(gotText, address, capturedAddress[want.Dialect])
	require.Equal(t, same.Replace(wantText), same.Replace(gotText))
	require.Equal(t, want.Flags, got.Flags)
}

func describe(t *testing.T, f *vectortest.Frame) string {
	t.Helper()
	c := map[string]map[uint16]codec.Codec{
		"pyro4": {1: serpent.Codec, 2: json.Codec}, "pyro5": {1: serpent.Codec, 3: json.Codec},
	}[f.Dialect][f.Serializer]
	require.NotNil(t, c)
	var v any
	require.NoError(t, c.Unmarshal(f.Payload, &v, nil))
	return valuetest.Describe(v)
}
