package config_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

// state writes what v holds at any depth, private fields included, so that two values can be compared which hold
// functions: of those it only says that they are there.
func state(v any) string {
	var b strings.Builder
	writeState(&b, reflect.ValueOf(v), map[uintptr]bool{})
	return b.String()
}

func writeState(b *strings.Builder, v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("nil")
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			b.WriteString("nil or seen")
			return
		}
		seen[v.Pointer()] = true
		writeState(b, v.Elem(), seen)
	case reflect.Interface:
		writeState(b, v.Elem(), seen)
	case reflect.Struct:
		switch pkg := v.Type().PkgPath(); {
		case pkg == "log/slog", v.Type() == reflect.TypeFor[time.Time]():
			return
		case pkg == "google.golang.org/protobuf/internal/impl": // leads from a message to all that there are
			return
		}
		b.WriteString(v.Type().String() + "{")
		for i := range v.NumField() {
			b.WriteString(v.Type().Field(i).Name + ": ")
			writeState(b, v.Field(i), seen)
			b.WriteString("\n")
		}
		b.WriteString("}")
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			writeState(b, v.Index(i), seen)
			b.WriteString(", ")
		}
	case reflect.Map:
		var entries []string
		for _, key := range v.MapKeys() {
			var entry strings.Builder
			writeState(&entry, key, seen)
			entry.WriteString("=")
			writeState(&entry, v.MapIndex(key), seen)
			entries = append(entries, entry.String())
		}
		sort.Strings(entries)
		b.WriteString(strings.Join(entries, "\n"))
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		fmt.Fprint(b, v.IsNil())
	default:
		fmt.Fprint(b, v)
	}
}

// samples are values for fields that not any will do for, by the name of the message and the field.
func fieldSamples(t *testing.T) map[string]any {
	t.Helper()
	cert, err := filepath.Abs(filepath.Join("..", "..", "transport", "tlsfiles", "testdata", "cert.pem"))
	require.NoError(t, err)
	key := filepath.Join(filepath.Dir(cert), "pbes2-aes-256-cbc.pem")
	recovery, err := anypb.New(&configv1.Recovery{})
	require.NoError(t, err)
	return map[string]any{
		"Tls.cert": cert, "Tls.key": key, "Tls.ca": []string{cert},
		"Tls.key_password":       &configv1.Secret{Source: &configv1.Secret_Value{Value: "correct horse"}},
		"Chain.middlewares":      []proto.Message{&configv1.Middleware{Config: recovery}},
		"Tls.min_version":        configv1.TlsVersion_TLS_VERSION_1_3.Number(),
		"Listener.network":       "tcp4",
		"Listener.address":       "127.0.0.1:0",
		"Server.serializers":     []string{"json"},
		"Server.annotations":     "ABCD",
		"Proxy.annotations":      "ABCD",
		"Proxy.serializer":       "json",
		"Proxy.uri":              "PYRONAME:other",
		"NameServers.serializer": "json",
		"NameServers.addresses":  []string{"h:1"},
		"Entry.uri":              "PYRO:other@h:2",
		"Values.pickle_protocol": int32(2),
		"Proxy.broadcast_lookup": &configv1.BroadcastLookup{},
	}
}

// A built is a message whose fields have to count, and what is made of it.
type built struct {
	base  proto.Message
	build func(proto.Message) (any, error)
}

// Whatever is set counts: no field is passed over.
func TestEachFieldCounts(t *testing.T) {
	env := config.Env{Env: middleware.Env{Log: slog.New(slog.DiscardHandler), Secret: config.ReadSecret}}
	server := func(m *configv1.Server) (any, error) {
		opts, err := config.ServerOptions(m, env)
		return service.NewServer(opts...), err
	}
	proxy := func(m *configv1.Proxy) (any, error) {
		p, err := config.Connect(m, env)
		if err == nil {
			t.Cleanup(func() { _ = p.Close() })
		}
		return p, err
	}
	samples := fieldSamples(t)
	secured := &configv1.Tls{Cert: samples["Tls.cert"].(string), Key: samples["Tls.key"].(string), Ca: samples["Tls.ca"].([]string)}
	secured.KeyPassword = samples["Tls.key_password"].(*configv1.Secret)
	names := &configv1.Directory{Kind: &configv1.Directory_NameServer{NameServer: &configv1.NameServers{}}}
	uri := "PYRONAME:o"
	table := func(entries ...*configv1.Entry) (any, error) {
		return config.Resolver(&configv1.Directory{Kind: &configv1.Directory_Static{Static: &configv1.StaticNames{Entries: entries}}}, env)
	}
	all := []built{
		{&configv1.Server{}, func(m proto.Message) (any, error) { return server(m.(*configv1.Server)) }},
		{&configv1.Proxy{Uri: uri}, func(m proto.Message) (any, error) { return proxy(m.(*configv1.Proxy)) }},
		{&configv1.Limits{}, func(m proto.Message) (any, error) { return server(&configv1.Server{Limits: m.(*configv1.Limits)}) }},
		{&configv1.Values{}, func(m proto.Message) (any, error) { return server(&configv1.Server{Values: m.(*configv1.Values)}) }},
		{&configv1.Values{}, func(m proto.Message) (any, error) {
			return proxy(&configv1.Proxy{Uri: uri, Values: m.(*configv1.Values)})
		}},
		{&configv1.Streams{}, func(m proto.Message) (any, error) { return server(&configv1.Server{Streams: m.(*configv1.Streams)}) }},
		{&configv1.Listener{}, func(m proto.Message) (any, error) {
			return server(&configv1.Server{Listeners: []*configv1.Listener{m.(*configv1.Listener)}})
		}},
		{&configv1.Announcement{Directory: names, Instance: true, InstanceId: "one"}, func(m proto.Message) (any, error) {
			return server(&configv1.Server{Announce: []*configv1.Announcement{m.(*configv1.Announcement)}})
		}},
		{&configv1.NameServers{}, func(m proto.Message) (any, error) {
			return config.Resolver(&configv1.Directory{Kind: &configv1.Directory_NameServer{NameServer: m.(*configv1.NameServers)}}, env)
		}},
		{&configv1.StaticNames{}, func(m proto.Message) (any, error) { return table(m.(*configv1.StaticNames).GetEntries()...) }},
		{&configv1.Entry{Name: "n", Uri: "PYRO:o@h:1"}, func(m proto.Message) (any, error) { return table(m.(*configv1.Entry)) }},
		{&configv1.BroadcastLookup{}, func(m proto.Message) (any, error) {
			return proxy(&configv1.Proxy{Uri: uri, BroadcastLookup: m.(*configv1.BroadcastLookup)})
		}},
		{&configv1.Balance{Policy: configv1.Balance_POLICY_RENDEZVOUS}, func(m proto.Message) (any, error) {
			return proxy(&configv1.Proxy{Uri: uri, Balance: m.(*configv1.Balance)})
		}},
		{&configv1.LookupCache{}, func(m proto.Message) (any, error) { return config.NewCache(nil, m.(*configv1.LookupCache)), nil }},
		{proto.CloneOf(secured), func(m proto.Message) (any, error) { return config.ClientTLS(m.(*configv1.Tls), env) }},
		{&configv1.PeerCertificate{}, func(m proto.Message) (any, error) {
			return config.ClientTLS(&configv1.Tls{Peer: m.(*configv1.PeerCertificate)}, env)
		}},
		{&configv1.Chain{}, func(m proto.Message) (any, error) { return config.Chain(m.(*configv1.Chain), env) }},
		{&configv1.Service{Name: "s", Kind: &configv1.Service_Echo{Echo: &configv1.Echo{}}}, func(m proto.Message) (any, error) {
			return config.NewService(m.(*configv1.Service), env, nil)
		}},
		{&configv1.Static{}, func(m proto.Message) (any, error) {
			return config.NewService(&configv1.Service{Name: "s", Kind: &configv1.Service_Static{Static: m.(*configv1.Static)}}, env, nil)
		}},
	}
	// Fields that something else tells of: closures hide them, or an error.
	elsewhere := map[string]string{
		"Balance.key_argument":    "TestWhatIsMadeOfABalance",
		"Proxy.lookup_cache":      "TestALookupCacheIsForADirectory",
		"Tls.require_client_cert": "TestTLSForTheOtherEnd",
		"Tls.request_client_cert": "TestTLSForTheOtherEnd",
		"Tls.cert":                "what all others are set beside",
		"Tls.key":                 "as Tls.cert",
		"Tls.ca":                  "as Tls.cert",
		"Tls.key_password":        "as Tls.cert, whose key is encrypted",
		"Directory.name_server":   "NameServers",
		"Directory.static":        "StaticNames",
		"Echo.allow_shutdown":     "TestACallerMayEndAnEchoServerThatSaysSo",
		"Service.echo":            "TestAProgramHasWhatItsConfigurationSays of package program",
		"Service.static":          "as Service.echo",
		"Static.methods":          "as Service.echo",
		"Static.attributes":       "as Service.echo",
		"Secret.value":            "TestReadSecret",
		"Secret.env":              "TestReadSecret",
		"Secret.file":             "TestReadSecret",
		"Middleware.name":         "TestNamesOfEntries",
		"Middleware.config":       "TestNamesOfEntries",
	}
	covered := map[string]bool{"": true}
	for _, c := range all {
		covered[string(c.base.ProtoReflect().Descriptor().Name())] = true
		eachFieldCounts(t, c, samples, elsewhere)
	}
	// Messages that these are made of, and what those below it are made of.
	requireCovered(t, covered, elsewhere, (&configv1.Server{}).ProtoReflect().Descriptor(), map[string]bool{})
	requireCovered(t, covered, elsewhere, (&configv1.Proxy{}).ProtoReflect().Descriptor(), map[string]bool{})
	requireCovered(t, covered, elsewhere, (&configv1.Service{}).ProtoReflect().Descriptor(), map[string]bool{})
}

func eachFieldCounts(t *testing.T, c built, samples map[string]any, elsewhere map[string]string) {
	t.Helper()
	fields := c.base.ProtoReflect().Descriptor().Fields()
	var states [2]string
	for i := range states {
		made, err := c.build(c.base)
		require.NoError(t, err)
		states[i] = state(made)
	}
	before := states[0]
	require.True(t, before == states[1], "%T: what is made of the same is not the same", c.base) //nolint:testifylint // too long to be shown
	for i := range fields.Len() {
		fd := fields.Get(i)
		name := string(fd.ContainingMessage().Name()) + "." + string(fd.Name())
		if elsewhere[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m := proto.Clone(c.base)
			setSample(t, m.ProtoReflect(), fd, samples[name])
			after, err := c.build(m)
			if err != nil { // it was read, and found not to go with the rest
				require.ErrorContains(t, err, string(fd.Name()))
				return
			}
			if before == state(after) { // too long to be shown
				t.Error("it changes nothing")
			}
		})
	}
}

// requireCovered fails where a message that is part of another one is not looked at.
func requireCovered(t *testing.T, covered map[string]bool, elsewhere map[string]string, d protoreflect.MessageDescriptor, seen map[string]bool) {
	t.Helper()
	if seen[string(d.FullName())] || d.ParentFile().Package() != "pyrokit.config.v1" {
		return
	}
	seen[string(d.FullName())] = true
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		known := covered[string(d.Name())] || elsewhere[string(d.Name())+"."+string(fd.Name())] != ""
		require.True(t, known || d.IsMapEntry(), "%s.%s: nothing tells that it counts", d.Name(), fd.Name())
		if fd.Message() != nil {
			requireCovered(t, covered, elsewhere, fd.Message(), seen)
		}
	}
}

// setSample sets a field to something that is not its default.
func setSample(t *testing.T, m protoreflect.Message, fd protoreflect.FieldDescriptor, sample any) {
	t.Helper()
	switch {
	case fd.IsMap():
		key := "x-key"
		if s, ok := sample.(string); ok {
			key = s
		}
		m.Mutable(fd).Map().Set(protoreflect.ValueOfString(key).MapKey(), sampleOf(t, fd.MapValue(), nil))
	case fd.IsList():
		list := m.Mutable(fd).List()
		switch items := sample.(type) {
		case []string:
			for _, item := range items {
				list.Append(protoreflect.ValueOfString(item))
			}
		case []proto.Message:
			for _, item := range items {
				list.Append(protoreflect.ValueOfMessage(item.ProtoReflect()))
			}
		default:
			list.Append(sampleOf(t, fd, nil))
		}
	case fd.Kind() == protoreflect.BoolKind:
		m.Set(fd, protoreflect.ValueOfBool(!m.Get(fd).Bool()))
	default:
		m.Set(fd, sampleOf(t, fd, sample))
	}
}

func sampleOf(t *testing.T, fd protoreflect.FieldDescriptor, sample any) protoreflect.Value {
	t.Helper()
	if m, ok := sample.(proto.Message); ok {
		return protoreflect.ValueOfMessage(m.ProtoReflect())
	}
	if sample != nil {
		return protoreflect.ValueOf(sample)
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("sample")
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(7)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(7)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(fd.Enum().Values().Get(fd.Enum().Values().Len() - 2).Number())
	case protoreflect.MessageKind:
		return protoreflect.ValueOfMessage(sampleMessage(t, fd.Message()).ProtoReflect())
	default:
		t.Fatalf("%s: a kind that has no sample", fd.FullName())
		return protoreflect.Value{}
	}
}

func sampleMessage(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	samples := fieldSamples(t)
	switch d.Name() {
	case "Duration":
		return durationpb.New(7 * time.Second)
	case "Value":
		return structpb.NewStringValue("x")
	case "Secret":
		return &configv1.Secret{Source: &configv1.Secret_Value{Value: "hush"}}
	case "Tls":
		return &configv1.Tls{
			Cert: samples["Tls.cert"].(string), Key: samples["Tls.key"].(string),
			KeyPassword: samples["Tls.key_password"].(*configv1.Secret),
		}
	case "Chain":
		return &configv1.Chain{Middlewares: []*configv1.Middleware{samples["Chain.middlewares"].([]proto.Message)[0].(*configv1.Middleware)}}
	case "Directory":
		return &configv1.Directory{Kind: &configv1.Directory_NameServer{NameServer: &configv1.NameServers{Addresses: []string{"h:1"}}}}
	case "Announcement":
		return &configv1.Announcement{Directory: sampleMessage(t, (&configv1.Directory{}).ProtoReflect().Descriptor()).(*configv1.Directory)}
	case "Limits":
		return &configv1.Limits{MaxDepth: 7}
	case "Values":
		return &configv1.Values{OrderedDicts: true}
	case "Streams":
		return &configv1.Streams{Disabled: true}
	case "Entry":
		return &configv1.Entry{Name: "n", Uri: "PYRO:o@h:1"}
	case "Static":
		return &configv1.Static{Methods: map[string]*structpb.Value{"v": structpb.NewNullValue()}}
	case "PeerCertificate":
		return &configv1.PeerCertificate{CommonName: []string{"n"}}
	case "Listener", "Balance", "LookupCache", "BroadcastLookup", "Echo":
		return map[string]proto.Message{
			"Listener": &configv1.Listener{}, "Balance": &configv1.Balance{}, "LookupCache": &configv1.LookupCache{},
			"BroadcastLookup": &configv1.BroadcastLookup{}, "Echo": &configv1.Echo{},
		}[string(d.Name())]
	default:
		t.Fatalf("%s: a message that has no sample", d.FullName())
		return nil
	}
}

func TestALookupCacheIsForADirectory(t *testing.T) {
	m := &configv1.Proxy{Uri: "PYRONAME:o", Directory: &configv1.Directory{Kind: &configv1.Directory_Static{}}}
	var states []string
	for _, cache := range []*configv1.LookupCache{nil, {}} {
		m.LookupCache = cache
		p, err := config.Connect(m, config.Env{})
		require.NoError(t, err)
		defer p.Close()
		states = append(states, state(p))
	}
	require.NotContains(t, states[0], "discovery.Cache{")
	require.Contains(t, states[1], "discovery.Cache{")
}

func TestWhatIsMadeOfABalance(t *testing.T) {
	targets := []*discovery.Target{{Entry: discovery.Entry{Name: "a"}}, {Entry: discovery.Entry{Name: "b"}}}
	call := func(args ...any) *transport.Call { return &transport.Call{Args: transport.Args{Positional: args}} }
	b, err := config.Balancer(&configv1.Balance{Policy: configv1.Balance_POLICY_RENDEZVOUS, KeyArgument: 1})
	require.NoError(t, err)
	picked := map[string]bool{}
	for i := range 50 {
		first := b.Pick(call(i, "key"), targets)
		require.Same(t, first, b.Pick(call(i+1, "key"), targets), "the second argument is the key")
		picked[b.Pick(call("same", i), targets).Name] = true
	}
	require.Len(t, picked, 2)
	_, err = config.Balancer(&configv1.Balance{Policy: 99})
	require.ErrorContains(t, err, "policy 99")
}

func TestTLSForTheOtherEnd(t *testing.T) {
	env := config.Env{Path: "x.tls"}
	_, err := config.ClientTLS(&configv1.Tls{RequireClientCert: true}, env)
	require.ErrorContains(t, err, "x.tls.require_client_cert: it is for what listens")
	_, err = config.ClientTLS(&configv1.Tls{RequestClientCert: true}, env)
	require.ErrorContains(t, err, "x.tls.request_client_cert: it is for what listens")
	for _, m := range []*configv1.Tls{{ServerName: "h"}, {AllowCommonName: true}} {
		_, err = config.ServerTLS(m, env)
		require.ErrorContains(t, err, "it is for what connects")
	}
	_, err = config.ServerTLS(&configv1.Tls{}, env)
	require.ErrorContains(t, err, "x.tls.cert: has to be set: a TLS server needs a certificate")
	cert := fieldSamples(t)["Tls.cert"].(string)
	secured := &configv1.Tls{Cert: cert, Key: filepath.Join(filepath.Dir(cert), "pbes2-aes-256-cbc.pem")}
	secured.KeyPassword = &configv1.Secret{Source: &configv1.Secret_Value{Value: "correct horse"}}
	cfg, err := config.ServerTLS(secured, env)
	require.NoError(t, err)
	require.NotNil(t, cfg.GetConfigForClient)
	secured.RequireClientCert = true
	_, err = config.ServerTLS(secured, env)
	require.ErrorContains(t, err, "there is nothing to check them against")
	secured.RequireClientCert, secured.RequestClientCert = false, true
	_, err = config.ServerTLS(secured, env)
	require.ErrorContains(t, err, "there is nothing to check them against")
	secured.RequestClientCert = false
	secured.KeyPassword = &configv1.Secret{Source: &configv1.Secret_Env{Env: "CONFIG_TEST_NONE"}}
	_, err = config.ServerTLS(secured, env)
	require.ErrorContains(t, err, "x.tls.key_password: the variable CONFIG_TEST_NONE")
}

func TestWhatDoesNotGoTogether(t *testing.T) {
	env := config.Env{Path: `proxies["p"]`}
	directory := &configv1.Directory{Kind: &configv1.Directory_Static{Static: &configv1.StaticNames{}}}
	for want, m := range map[string]*configv1.Proxy{
		`.uri: `: {Uri: "PYRO:o"},
		`.directory: uri says where the object is`:      {Uri: "PYRO:o@h:1", Directory: directory},
		`.directory: uri says itself which name server`: {Uri: "PYRONAME:o@h", Directory: directory},
		`.balance: uri says where the object is`:        {Uri: "PYRO:o@h:1", Balance: &configv1.Balance{}},
		`.hmac_key: Pyro5 has no signatures`: {
			Uri: "PYRO:o@h:1", Dialect: configv1.Dialect_DIALECT_PYRO5,
			HmacKey: &configv1.Secret{Source: &configv1.Secret_Value{Value: "x"}},
		},
	} {
		_, err := config.ProxyOptions(m, env)
		require.ErrorContains(t, err, `proxies["p"]`+want)
	}
	registered := &configv1.Server{Announce: []*configv1.Announcement{{Directory: &configv1.Directory{
		Kind: &configv1.Directory_NameServer{NameServer: &configv1.NameServers{
			Poll: durationpb.New(time.Second), Addresses: []string{"ok:1", "a b:x"},
		}},
	}}}}
	_, err := config.ServerOptions(registered, config.Env{Path: "server"})
	require.ErrorContains(t, err, "server.announce[0].directory.name_server.poll: it is for what looks names up")
	require.ErrorContains(t, err, "server.announce[0].directory.name_server.addresses[1]: ")
}

func TestDiff(t *testing.T) {
	base := &configv1.Config{
		Server: &configv1.Server{
			Listeners: []*configv1.Listener{{Address: "a:1"}},
			Limits:    &configv1.Limits{MaxCalls: 1, IdleTimeout: durationpb.New(time.Second)},
			Chain:     &configv1.Chain{Middlewares: []*configv1.Middleware{{Name: "x"}}},
		},
		Proxies: map[string]*configv1.Proxy{"p": {Uri: "PYRO:o@h:1"}, "q": {Uri: "PYRO:o@h:1"}},
	}
	for want, change := range map[string]func(c *configv1.Config){
		"server.listeners[0].address": func(c *configv1.Config) { c.Server.Listeners[0].Address = "b:1" },
		"server.listeners":            func(c *configv1.Config) { c.Server.Listeners = append(c.Server.Listeners, &configv1.Listener{}) },
		"server.limits.max_calls":     func(c *configv1.Config) { c.Server.Limits.MaxCalls = 2 },
		"server.limits.idle_timeout":  func(c *configv1.Config) { c.Server.Limits.IdleTimeout = durationpb.New(2 * time.Second) },
		"server.limits":               func(c *configv1.Config) { c.Server.Limits = nil },
		"server.chain[0]":             func(c *configv1.Config) { c.Server.Chain.Middlewares[0].Name = "y" },
		`proxies["q"]`:                func(c *configv1.Config) { delete(c.GetProxies(), "q") },
		`proxies["r"]`:                func(c *configv1.Config) { c.Proxies["r"] = &configv1.Proxy{} },
		`proxies["p"].pool`:           func(c *configv1.Config) { c.Proxies["p"].Pool = 3 },
		"admin":                       func(c *configv1.Config) { c.Admin = &configv1.Admin{} },
	} {
		changed := proto.CloneOf(base)
		change(changed)
		require.Equal(t, []string{want}, config.Diff(base, changed))
	}
	require.Empty(t, config.Diff(base, proto.CloneOf(base)))
}

func TestReadSecret(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) *configv1.Secret {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		return &configv1.Secret{Source: &configv1.Secret_File{File: filepath.Join(dir, name)}}
	}
	t.Setenv("CONFIG_TEST_SECRET", "from a variable")
	tests := map[string]struct {
		secret        *configv1.Secret
		want, wantErr string
	}{
		"value":          {secret: &configv1.Secret{Source: &configv1.Secret_Value{Value: "hush"}}, want: "hush"},
		"variable":       {secret: &configv1.Secret{Source: &configv1.Secret_Env{Env: "CONFIG_TEST_SECRET"}}, want: "from a variable"},
		"file":           {secret: file("a", "from a file\n"), want: "from a file"},
		"Windows' file":  {secret: file("b", "from a file\r\n"), want: "from a file"},
		"two newlines":   {secret: file("c", "x\n\n"), want: "x\n"},
		"no variable":    {secret: &configv1.Secret{Source: &configv1.Secret_Env{Env: "CONFIG_TEST_NONE"}}, wantErr: "the variable CONFIG_TEST_NONE is empty or not set"},
		"empty file":     {secret: file("d", "\n"), wantErr: "is empty or not set"},
		"too large":      {secret: file("e", strings.Repeat("x", 1<<20+1)), wantErr: "too large for a secret"},
		"no file":        {secret: &configv1.Secret{Source: &configv1.Secret_File{File: filepath.Join(dir, "none")}}, wantErr: "read a secret: open "},
		"a folder":       {secret: &configv1.Secret{Source: &configv1.Secret_File{File: dir}}, wantErr: "read a secret: "},
		"nothing at all": {secret: &configv1.Secret{}, wantErr: "one of value, env and file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := config.ReadSecret(tt.secret)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}
