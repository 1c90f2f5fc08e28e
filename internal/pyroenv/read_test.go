package pyroenv_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
)

// of is an environment.
func of(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := variables[name]
		return v, ok
	}
}

func TestValuesAsPyroReadsThem(t *testing.T) {
	v, err := pyroenv.Read(of(map[string]string{
		"PYRO_COMPRESSION": "Yes", "PYRO_SSL": "OFF", "PYRO_AUTOPROXY": "1", "PYRO_METADATA": "false",
		"PYRO_MAX_RETRIES": " 1_0 ", "PYRO_NATPORT": "+5", "PYRO_DILL_PROTOCOL_VERSION": "-1",
		"PYRO_COMMTIMEOUT": "1.5", "PYRO_POLLTIMEOUT": "2", "PYRO_ITER_STREAM_LINGER": "1e-3",
		"PYRO_HOST": "a.example.org", "PYRO_NS_HOST": "",
		"PYRO_BROADCAST_ADDRS": "10.0.0.255, 10.1.0.255,", "PYRO_SERIALIZERS_ACCEPTED": "json , serpent",
		"PYRO_UNKNOWN": "x", "HOST": "y",
	}))
	require.NoError(t, err)
	for name, want := range map[string]bool{"COMPRESSION": true, "SSL": false, "AUTOPROXY": true, "METADATA": false} {
		got, set := v.Bool(name)
		require.True(t, set, name)
		require.Equal(t, want, got, name)
	}
	for name, want := range map[string]int64{"MAX_RETRIES": 10, "NATPORT": 5, "DILL_PROTOCOL_VERSION": -1} {
		got, set := v.Int(name)
		require.True(t, set, name)
		require.Equal(t, want, got, name)
	}
	for name, want := range map[string]time.Duration{
		"COMMTIMEOUT": 1500 * time.Millisecond, "POLLTIMEOUT": 2 * time.Second, "ITER_STREAM_LINGER": time.Millisecond,
	} {
		got, set := v.Seconds(name)
		require.True(t, set, name)
		require.Equal(t, want, got, name)
	}
	require.Equal(t, "a.example.org", v.Text("HOST"))
	require.Empty(t, v.Text("NS_HOST"))
	require.Equal(t, []string{"10.0.0.255", "10.1.0.255"}, v.List("BROADCAST_ADDRS"))
	require.Equal(t, []string{"json", "serpent"}, v.List("SERIALIZERS_ACCEPTED"))
	_, set := v.Int("NS_PORT")
	require.False(t, set)
	require.Nil(t, v.List("JSON_MODULE"))
}

func TestErrorsNameTheVariable(t *testing.T) {
	for name, wrong := range map[string][]string{
		"PYRO_COMPRESSION": {"maybe", "", "2", " 1"},
		"PYRO_MAX_RETRIES": {"", "x", "1.0", "_1", "1__0", "0x10", "1e3"},
		"PYRO_COMMTIMEOUT": {"", "soon", "nan", "inf", "1e300", "0x1p3"},
	} {
		for _, text := range wrong {
			_, err := pyroenv.Read(of(map[string]string{name: text}))
			require.ErrorContains(t, err, name+"="+text+": want ", text)
		}
	}
	_, err := pyroenv.Read(of(map[string]string{"PYRO_SSL": "x", "PYRO_NS_PORT": "y"}))
	require.ErrorContains(t, err, "PYRO_SSL=x")
	require.ErrorContains(t, err, "PYRO_NS_PORT=y")
}

func TestItemsAreInOrder(t *testing.T) {
	require.True(t, slices.IsSortedFunc(pyroenv.Items, func(a, b pyroenv.Item) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}))
	for _, item := range pyroenv.Items {
		require.True(t, item.In4 || item.In5, item.Name)
	}
}
