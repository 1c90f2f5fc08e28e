package config_test

import (
	"log/slog"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
)

// defaults of broadcasts are in force already.
var defaults = regexp.MustCompile(`broadcastDefaults: service\.broadcastConfig\{[^}]*\}`)

// Files understand the variables of Pyro's users as code does. Those that a listener, or TLS, is made of do not look
// alike in the end; other tests have them.
func TestVariablesMeanInFilesWhatTheyMeanInCode(t *testing.T) {
	write(t, map[string]string{"site.yaml": "server: {}\nproxies: {p: {uri: 'PYRONAME:o', broadcast_lookup: {}}}\n"})
	for variable, values := range map[string][]string{
		"PYRO_BROADCAST_ADDRS":         {"10.0.0.255", "<broadcast>, 0.0.0.0", "''"},
		"PYRO_COMMTIMEOUT":             {"0", "2.5"},
		"PYRO_COMPRESSION":             {"on", "off"},
		"PYRO_DETAILED_TRACEBACK":      {"1"},
		"PYRO_ITER_STREAMING":          {"no", "yes"},
		"PYRO_ITER_STREAM_LIFETIME":    {"0", "60"},
		"PYRO_ITER_STREAM_LINGER":      {"-1", "0", "7"},
		"PYRO_MAX_MESSAGE_SIZE":        {"0", "1000"},
		"PYRO_MAX_RETRIES":             {"0", "2"},
		"PYRO_METADATA":                {"off"},
		"PYRO_NS_BCPORT":               {"9999"},
		"PYRO_NS_LOOKUP_DELAY":         {"0", "3"},
		"PYRO_ONEWAY_THREADED":         {"off", "on"},
		"PYRO_PICKLE_PROTOCOL_VERSION": {"-1", "0", "2", "5"},
		"PYRO_PREFER_IP_VERSION":       {"0", "4", "6"},
		"PYRO_SERIALIZER":              {"json"},
		"PYRO_SERIALIZERS_ACCEPTED":    {"json, marshal"},
		"PYRO_SERPENT_BYTES_REPR":      {"on"},
		"PYRO_THREADPOOL_SIZE":         {"77"},
	} {
		for _, value := range values {
			t.Run(variable+"="+value, func(t *testing.T) {
				lookup := func(name string) (string, bool) { return value, name == variable }
				env, err := service.FromEnv(lookup)
				require.NoError(t, err)
				f, err := config.Load([]string{"site.yaml"}, config.Environ(lookup))
				require.NoError(t, err)

				opts, err := config.ServerOptions(f.Config().GetServer(), config.Env{})
				require.NoError(t, err)
				require.Equal(t, state(service.NewServer(service.Logger(slog.Default()), env)), state(service.NewServer(opts...)))

				inCode, err := service.Connect("PYRONAME:o", env, service.BroadcastLookup(0))
				require.NoError(t, err)
				defer inCode.Close()
				inFile, err := config.Connect(f.Config().GetProxies()["p"], config.Env{})
				require.NoError(t, err)
				defer inFile.Close()
				require.Equal(t, defaults.ReplaceAllString(state(inCode), ""), defaults.ReplaceAllString(state(inFile), ""))
			})
		}
	}
}

// A server that is to speak TLS does not speak without it because its certificate is missing.
func TestSSLWithoutACertificateIsAnError(t *testing.T) {
	write(t, map[string]string{"site.yaml": "server: {}\n"})
	_, err := config.Load([]string{"site.yaml"}, variables(map[string]string{"PYRO_SSL": "1"}))
	require.EqualError(t, err, "environment PYRO_SSL: server.tls.cert: has to be set: a TLS server needs a certificate")
}

func TestSSLVariables(t *testing.T) {
	f := load(t, map[string]string{"site.yaml": "server: {}\nproxies: {p: {uri: 'PYRONAME:o'}}\n"}, map[string]string{
		"PYRO_SSL": "1", "PYRO_SSL_CACERTS": "ca.pem", "PYRO_SSL_REQUIRECLIENTCERT": "1",
		"PYRO_SSL_SERVERCERT": "s.pem", "PYRO_SSL_SERVERKEY": "s.key", "PYRO_SSL_SERVERKEYPASSWD": "sesame",
		"PYRO_SSL_CLIENTCERT": "c.pem", "PYRO_SSL_CLIENTKEY": "c.key", "PYRO_SSL_CLIENTKEYPASSWD": "sesame",
	})
	for prefix, got := range map[string]*configv1.Tls{"s": f.Config().GetServer().GetTls(), "c": f.Config().GetProxies()["p"].GetTls()} {
		require.Equal(t, prefix+".pem", got.GetCert())
		require.Equal(t, prefix+".key", got.GetKey())
		require.Equal(t, map[string]string{"s": "PYRO_SSL_SERVERKEYPASSWD", "c": "PYRO_SSL_CLIENTKEYPASSWD"}[prefix], got.GetKeyPassword().GetEnv())
		require.Equal(t, []string{"ca.pem"}, got.GetCa())
		require.Equal(t, prefix == "s", got.GetRequireClientCert())
	}
}
