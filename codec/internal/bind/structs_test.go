package bind_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
)

func TestUntaggedFieldsTakeKeysInAnyCase(t *testing.T) {
	type item struct {
		Name     string
		HTTPPort int
		Size     int `pyro:"Size"`
		Low      int `json:"low"`
	}
	tests := []struct {
		name, in string
		want     item
	}{
		{name: "as it is spelled", in: `{"Name": "bolt", "HTTPPort": 80}`, want: item{Name: "bolt", HTTPPort: 80}},
		{name: "in lower case", in: `{"name": "bolt", "httpport": 80}`, want: item{Name: "bolt", HTTPPort: 80}},
		{name: "in upper case", in: `{"NAME": "bolt"}`, want: item{Name: "bolt"}},
		{name: "a tag says just what it says", in: `{"size": 3, "LOW": 4}`, want: item{}},
		{name: "the own spelling wins when it comes first", in: `{"Name": "own", "name": "other"}`, want: item{Name: "own"}},
		{name: "and when it comes last", in: `{"name": "other", "Name": "own"}`, want: item{Name: "own"}},
		{name: "another key is another key", in: `{"names": "bolt"}`, want: item{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got item
			require.NoError(t, json.Unmarshal([]byte(tt.in), &got))
			require.Equal(t, tt.want, got)
		})
	}
	var got item
	strict := &codec.Options{DisallowUnknownFields: true}
	require.NoError(t, json.Codec.Unmarshal([]byte(`{"name": "bolt"}`), &got, strict))
	require.ErrorContains(t, json.Codec.Unmarshal([]byte(`{"LOW": 1}`), &got, strict), "unknown key LOW")
}

// What has no field for data is not made of data: a lock, a connection, a proxy.
func TestAStructWithoutFieldsForDataTakesNoDict(t *testing.T) {
	var lock sync.Mutex
	err := json.Unmarshal([]byte(`{}`), &lock)
	require.EqualError(t, err, "want sync.Mutex, found dict")
	var p *sync.Mutex
	require.Error(t, json.Unmarshal([]byte(`{"state": 1}`), &p))
	require.Nil(t, p)
	require.NoError(t, json.Unmarshal([]byte(`{}`), &struct{}{}))
}
