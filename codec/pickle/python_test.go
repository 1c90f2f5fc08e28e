package pickle_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// A pickled value as testdata/generate.py describes it.
type pickled struct {
	Name     string `json:"name"`
	By       string `json:"by"`
	Protocol int    `json:"protocol"`
	Hex      string `json:"hex"`
	Text     string `json:"text"`
	Array    *struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Fortran bool   `json:"fortran"`
		Data    string `json:"data"`
	} `json:"array"`

	data []byte
}

// recorded returns what was recorded, by the name of the file.
func recorded(tb testing.TB) map[string][]pickled {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(tb, err)
	require.Len(tb, files, 3)
	all := map[string][]pickled{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(tb, err)
		var f struct {
			Pickles []pickled `json:"pickles"`
		}
		require.NoError(tb, json.Unmarshal(text, &f))
		for i := range f.Pickles {
			f.Pickles[i].data, err = hex.DecodeString(f.Pickles[i].Hex)
			require.NoError(tb, err)
		}
		all[filepath.Base(file)] = f.Pickles
	}
	return all
}

func TestPython(t *testing.T) {
	for file, pickles := range recorded(t) {
		t.Run(file, func(t *testing.T) {
			for _, p := range pickles {
				t.Run(fmt.Sprintf("%s by %s %d", p.Name, p.By, p.Protocol), func(t *testing.T) {
					var v any
					require.NoError(t, pickle.Unmarshal(p.data, &v))
					check(t, p, v)
					for protocol := 2; protocol <= 5; protocol++ { // and what we write of it means the same
						o := &codec.Options{PickleProtocol: protocol, OrderedDicts: true}
						data, err := pickle.Codec.Append(nil, v, o)
						require.NoError(t, err)
						var again any
						require.NoError(t, pickle.Codec.Unmarshal(data, &again, o))
						check(t, p, again)
					}
				})
			}
		})
	}
}

func check(t *testing.T, p pickled, v any) {
	t.Helper()
	if p.Array == nil {
		require.Equal(t, p.Text, describe(v))
		return
	}
	require.IsType(t, codec.NDArray{}, v)
	a, _ := v.(codec.NDArray)
	require.Equal(t, p.Array.DType, a.DType)
	require.Equal(t, p.Array.Shape, a.Shape)
	require.Equal(t, p.Array.Fortran, a.FortranOrder)
	require.Equal(t, p.Array.Data, hex.EncodeToString(a.Data))
}

// describe spells v as generate.py does.
func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case bool:
		return fmt.Sprintf("bool %v", x)
	case int64:
		return fmt.Sprintf("int %d", x)
	case *big.Int:
		return "int " + x.String()
	case float64:
		return fmt.Sprintf("float %v", x)
	case complex128:
		return fmt.Sprintf("complex %v", x)
	case string:
		return "str " + x
	case []byte:
		return "bytes " + hex.EncodeToString(x)
	case []any:
		return "list " + describeAll(x)
	case codec.Tuple:
		return "tuple " + describeAll(x)
	case codec.Set:
		if x.Frozen {
			return "frozenset " + describeAll(slices.Collect(x.All()))
		}
		return "set " + describeAll(slices.Collect(x.All()))
	case map[string]any:
		return "dict " + describeNames(x, "str ")
	case *codec.Dict:
		var s strings.Builder
		for k, v := range x.All() {
			s.WriteString(describe(k) + "=" + describe(v) + ";")
		}
		return "dict " + s.String()
	case codec.Object:
		return "instance " + x.Class + " " + describeNames(x.Attrs, "")
	case codec.Global:
		return "global " + string(x)
	case time.Time:
		if x.Location() == codec.Naive {
			return "time " + x.Format("2006-01-02T15:04:05.000000") + " naive"
		}
		return "time " + x.Format(time.RFC3339Nano) + " " + x.Location().String()
	case time.Duration:
		return "span " + x.String()
	case codec.Array:
		return fmt.Sprintf("array %c %v", x.Code, x.Values)
	case codec.Date:
		return "date " + x.String()
	case codec.TimeOfDay:
		return "clock " + x.String()
	case codec.Decimal:
		return "decimal " + x.String()
	case uuid.UUID:
		return "uuid " + x.String()
	}
	return fmt.Sprintf("%T %v", v, v)
}

func describeAll(items []any) string {
	var s strings.Builder
	for _, v := range items {
		s.WriteString(describe(v) + ";")
	}
	return s.String()
}

func describeNames(m map[string]any, prefix string) string {
	var s strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s.WriteString(prefix + k + "=" + describe(m[k]) + ";")
	}
	return s.String()
}
