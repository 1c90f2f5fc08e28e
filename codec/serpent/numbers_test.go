package serpent_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// The sign of an imaginary zero survives, as it does in Python from 3.14 on.
func TestComplexZero(t *testing.T) {
	minus := math.Copysign(0, -1)
	for _, want := range []complex128{complex(1, minus), complex(minus, minus), complex(1, 0), complex(math.Inf(-1), minus)} {
		data, err := serpent.Marshal(want)
		require.NoError(t, err)
		var tree any
		var typed complex128
		require.NoError(t, serpent.Unmarshal(data, &tree))
		require.NoError(t, serpent.Unmarshal(data, &typed))
		require.Equal(t, want, tree)
		require.Equal(t, want, typed)
		require.Equal(t, math.Signbit(imag(want)), math.Signbit(imag(typed)))
	}
}

// serpent writes NaN as instances of classes of its own, since 1.43 also within complex numbers.
func TestComplexNaN(t *testing.T) {
	const nan = "{'__class__':'float','value':'nan'}"
	for in, want := range map[string]complex128{
		"{'__class__':'complex','real':" + nan + ",'imag':1.5}":      complex(math.NaN(), 1.5),
		"{'__class__':'complex','real':2,'imag':" + nan + "}":        complex(2, math.NaN()),
		"{'__class__':'complex','real':-1e30000,'imag':" + nan + "}": complex(math.Inf(-1), math.NaN()),
	} {
		var v any
		require.NoError(t, serpent.Unmarshal([]byte(in), &v), in)
		got, ok := v.(complex128)
		require.True(t, ok)
		for _, parts := range [][2]float64{{real(want), real(got)}, {imag(want), imag(got)}} {
			require.Equal(t, math.IsNaN(parts[0]), math.IsNaN(parts[1]), in)
			require.True(t, parts[0] == parts[1] || math.IsNaN(parts[0]), in)
		}
	}
	for _, in := range []string{"{'__class__':'complex'}", "{'__class__':'complex','real':1,'imag':'x'}", "{'__class__':'complex','real':1,'imag':{'__class__':'float'}}"} {
		var v any
		var class *codec.ClassError
		require.ErrorAs(t, serpent.Unmarshal([]byte(in), &v), &class, in)
	}
}

// Python's serpent writes bytes in a key as it writes them elsewhere, which Python cannot read.
func TestBytesAsKeys(t *testing.T) {
	const bytes = "{'data': 'aGk=', 'encoding': 'base64'}"
	var v any
	require.NoError(t, serpent.Unmarshal([]byte("{"+bytes+":1,(2,"+bytes+"):3}"), &v))
	require.Equal(t, codec.NewDict([]byte("hi"), int64(1), codec.Tuple{int64(2), []byte("hi")}, int64(3)), v)
	require.NoError(t, serpent.Unmarshal([]byte("{"+bytes+"}"), &v))
	require.Equal(t, codec.NewSet([]byte("hi")), v)
	var d *codec.Dict
	require.NoError(t, serpent.Unmarshal([]byte("{"+bytes+":1}"), &d))
	require.Equal(t, codec.NewDict([]byte("hi"), int64(1)), d)

	require.Error(t, serpent.Codec.Unmarshal([]byte("{"+bytes+":1}"), &v, &codec.Options{KeepBytesDict: true}))
	require.Error(t, serpent.Unmarshal([]byte("{{'data': 'aGk='}:1}"), &v))
}

// Microseconds, which are what Python counts, survive the way through a float for 292 years.
func TestDurations(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		want := time.Duration(random.Int64N(1<<random.IntN(53)+1)) * time.Microsecond
		data, err := serpent.Marshal(-want)
		require.NoError(t, err)
		var got time.Duration
		require.NoError(t, serpent.Unmarshal(data, &got))
		require.Equal(t, -want, got, "%s", data)
	}
	var d time.Duration
	require.ErrorContains(t, serpent.Unmarshal([]byte("9223372036.9"), &d), "out of range")
	require.NoError(t, serpent.Unmarshal([]byte("9223372036.854"), &d))
}
