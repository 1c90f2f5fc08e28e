package serpent_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// unreadable are values that Python writes although nobody can read them; they are refused here.
var unreadable = map[string]bool{"complex nanj": true}

// otherwise are Python types whose form is not that of any Go value.
var otherwise = map[string]bool{
	"OrderedDict": true, "deque": true, "UserDict": true, "UserList": true, "UserString": true, "dict keys": true,
	"dict items": true, "instance getstate dict": true, "instance getstate tuple": true, "object()": true, "range": true,
	"fraction":       true,
	"complex (1-0j)": true, "dict bytes key": true, // serpent 1.41 writes what nobody can read
}

func TestEncodeVectors(t *testing.T) {
	all := vectors.Codec(t, "serpent")
	for i, v := range all {
		if unreadable[v.Name] {
			all[i].EncodeError = "here"
		}
	}
	codectest.EncodeVectors(t, serpent.Codec, all, otherwise, func(t *testing.T, v vectors.Vector, got []byte) {
		require.Equal(t, string(v.Bytes), string(got))
		if v.BytesRepr != nil {
			got, err := serpent.Codec.Append(nil, v.Value, &codec.Options{BytesRepr: true})
			require.NoError(t, err)
			require.Equal(t, string(v.BytesRepr), string(got))
		}
	})
}

func TestDecodeVectors(t *testing.T) {
	codectest.EachMessage(t, vectors.Codec(t, "serpent"), func(t *testing.T, v vectors.Vector) {
		checkDecode(t, v.Bytes, v.Reads, v.DecodeError, v.Message)
		if v.Indented != nil {
			checkDecode(t, v.Indented, v.Value, v.DecodeError, v.Message)
		}
		if v.BytesRepr != nil {
			checkDecode(t, v.BytesRepr, v.Value, "", "")
		}
	})
}

func TestAcceptVectors(t *testing.T) {
	for _, v := range vectors.Accept(t, "serpent") {
		t.Run(v.Name, func(t *testing.T) {
			checkDecode(t, v.Bytes, v.Value, v.DecodeError, v.Message)
		})
	}
}

// checkDecode reads data and compares with what Python reads. Classes are not this package's: an
// instance that Python cannot make is an Object here.
func checkDecode(t *testing.T, data []byte, want any, wantErr, msg string) {
	t.Helper()
	var got any
	err := serpent.Codec.Unmarshal(data, &got, &codec.Options{KeepBytesDict: true})
	if isClassMatter(data) {
		requireInstance(t, data, got, err)
		return
	}
	if wantErr != "" {
		require.Error(t, err, "%s: %s\ngot %v", wantErr, msg, got)
		codectest.RequireReadError(t, err)
		return
	}
	if vectors.Has(want, "Unknown:{ellipsis}") || want == (vectors.Unknown{T: "ellipsis"}) {
		require.Error(t, err) // Go has no Ellipsis
		return
	}
	require.NoError(t, err)
	if vectors.Has(want, "vectors.Unknown") {
		return // cut in the file
	}
	require.Equal(t, vectors.Text(want), vectors.Text(got))
}

func isClassMatter(data []byte) bool {
	return bytes.Contains(data, []byte("__class__")) && !bytes.Contains(data, []byte("'float'"))
}

func requireInstance(t *testing.T, data []byte, got any, err error) {
	t.Helper()
	if bytes.Contains(data, []byte("'__class__':None")) || bytes.Contains(data, []byte("'__class__':5")) {
		var class *codec.ClassError
		require.ErrorAs(t, err, &class)
		return
	}
	require.NoError(t, err)
	require.Contains(t, vectors.Text(got), "__class__")
	codectest.RequireRewritable(t, serpent.Codec, got, &codec.Options{KeepBytesDict: true})
}

// Typed destinations must agree with the generic tree on every recorded input that fits them.
func TestTypedAgreesWithTree(t *testing.T) {
	for _, data := range vectors.Seeds(t, "serpent") {
		var tree any
		treeErr := serpent.Unmarshal(data, &tree)
		if bytes.Contains(data, []byte("__class__")) {
			continue // a map takes an instance as the dict that it is
		}
		compareTyped(t, data, tree, treeErr)
	}
}

func compareTyped(t *testing.T, data []byte, tree any, treeErr error) {
	t.Helper()
	var (
		s   string
		i   int64
		f   float64
		c   complex128
		b   bool
		raw []byte
		l   []any
		m   map[string]any
		tup codec.Tuple
	)
	for _, dst := range []any{&s, &i, &f, &c, &b, &raw, &l, &m, &tup} {
		err := serpent.Unmarshal(data, dst)
		if treeErr != nil && !strings.Contains(treeErr.Error(), "unhashable") { // a slice takes any member
			require.Error(t, err, "%q into %T", data, dst)
			continue
		}
		var again any
		if err == nil {
			again = deref(dst)
			if fits(again, tree) {
				require.Equal(t, vectors.Text(tree), vectors.Text(again), "%q", data)
			}
		} else {
			require.False(t, sameType(deref(dst), tree), "%q into %T: %v", data, dst, err)
		}
	}
}

func deref(dst any) any {
	switch p := dst.(type) {
	case *string:
		return *p
	case *int64:
		return *p
	case *float64:
		return *p
	case *complex128:
		return *p
	case *bool:
		return *p
	case *[]byte:
		return *p
	case *[]any:
		return *p
	case *map[string]any:
		return *p
	case *codec.Tuple:
		return *p
	}
	return nil
}

func fits(got, tree any) bool { return sameType(got, tree) }

func sameType(a, b any) bool {
	if f, ok := b.(float64); ok && math.IsNaN(f) {
		return false
	}
	return strings.SplitN(vectors.Text(a), ":", 2)[0] == strings.SplitN(vectors.Text(b), ":", 2)[0] &&
		typeName(a) == typeName(b)
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "str"
	case int64:
		return "int"
	case float64:
		return "float"
	case complex128:
		return "complex"
	case bool:
		return "bool"
	case []byte:
		return "bytes"
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	case codec.Tuple:
		return "tuple"
	}
	return "other"
}
