package pickle_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// evil are pickles that run code in the Python that loads them, or try to.
var evil = map[string]string{
	"system":                "cos\nsystem\n(S'id'\ntR.",
	"system of protocol 4":  "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
	"eval":                  "\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R.",
	"INST":                  "(S'id'\nios\nsystem\n.",
	"OBJ":                   "(cos\nsystem\nS'id'\no.",
	"getattr chain":         "\x80\x04c__builtin__\ngetattr\ncos\nsystem\n\x8c\x08__call__\x86R\x8c\x02id\x85R.",
	"getattr of a call":     "\x80\x04c__builtin__\ngetattr\nc__builtin__\n__import__\n\x8c\x02os\x85R\x8c\x06system\x86R\x8c\x02id\x85R.",
	"apply":                 "c__builtin__\napply\n(cos\nsystem\n(S'id'\nttR.",
	"map":                   "\x80\x04cbuiltins\nlist\ncbuiltins\nmap\ncos\nsystem\n]\x8c\x02ida\x86\x81\x85R.",
	"partial":               "\x80\x04cfunctools\npartial\ncos\nsystem\n\x8c\x02id\x86R)R.",
	"setstate of itself":    "\x80\x04cos\nA\n)\x81}\x8c\x0c__setstate__cos\nsystem\nsb.",
	"eval in a state":       "\x80\x04cm\nA\n)\x81cbuiltins\neval\n\x8c\x031+1\x85Rb.",
	"in an exception":       "\x80\x04cbuiltins\nValueError\ncos\nsystem\n\x8c\x02id\x85R\x85R.",
	"in a key":              "\x80\x04}cos\nsystem\n\x8c\x02id\x85RNs.",
	"in a set":              "\x80\x04cbuiltins\nset\n]cos\nsystem\n\x8c\x02id\x85Ra\x85R.",
	"in an array":           "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cos\nsystem\n\x8c\x02id\x85R\x89C\x01atb.",
	"name of an exception":  "\x80\x04cos\nsystem\n\x8c\x02id\x85R}\x8c\x0e_pyroTracebackNsb.",
	"code by value":         "\x80\x04cbuiltins\neval\nctypes\nCodeType\n(K\x00K\x00K\x00K\x00K\x00K\x00C\x00)))\x8c\x00\x8c\x00K\x00C\x00tR\x85R.",
	"type":                  "\x80\x04cbuiltins\ntype\n\x8c\x01A)}\x87\x81.",
	"type with keywords":    "\x80\x04cbuiltins\ntype\n)}\x8c\x01aNs\x92.",
	"memmap":                "\x80\x04cnumpy\nmemmap\n\x8c\x03x.y\x8c\x02u1\x8c\x02w+\x87\x81.",
	"reconstructor":         "ccopy_reg\n_reconstructor\n(cos\nsystem\ncos\nsystem\nS'id'\ntR.",
	"proxy's handshake":     "\x80\x04cPyro4.core\nProxy\n)\x81(\x8c\x08PYRO:a@bNNNK\x00Ncos\nsystem\n\x8c\x02id\x85RK\x00Ntb.",
	"global":                "cos\nsystem\n.",
	"global in a list":      "\x80\x04]cbuiltins\neval\na.",
	"iterated":              "\x80\x04cbuiltins\nset\ncm\nA\n)\x81\x85R.",
	"repr of dill":          "\x80\x04cdill._dill\n_eval_repr\n\x8c\x1c__import__('os').system('id')\x85R.",
	"callable of no name":   "\x80\x04]N\x85R.",
	"extension":             "\x80\x02\x82\x01.",
	"persistent id":         "Pos.system\n.",
	"persistent object":     "\x80\x02NQ.",
	"buffer":                "\x80\x05\x97.",
	"name with a newline":   "\x80\x04\x8c\x02os\x8c\x0fsystem\n(S'id'\ntR\x93)\x81.",
	"class dict of a call":  "\x80\x04cos\nsystem\n)R}(\x8c\x09__class__\x8c\x09os.system\x8c\x0d__exception__\x88ub.",
	"dict like an instance": "\x80\x04}(\x8c\x09__class__\x8c\x0dbuiltins.eval\x8c\x0d__exception__\x88\x8c\x04args\x8c\x031+1\x85u.",
}

// harmless are those of evil that may go out again: as data that calls nothing.
var harmless = map[string]bool{"dict like an instance": true}

// Whatever a pickle would do in Python, here it is data or an error, and the data do not go out again in a
// form that would do it.
func TestEvil(t *testing.T) {
	for name, data := range evil {
		t.Run(name, func(t *testing.T) {
			var v any
			if err := pickle.Unmarshal([]byte(data), &v); err != nil {
				codectest.RequireReadError(t, err)
				return
			}
			for protocol := 2; protocol <= 5; protocol++ {
				out, err := pickle.Codec.Append(nil, v, &codec.Options{PickleProtocol: protocol})
				if harmless[name] {
					require.NoError(t, err)
					require.NotContains(t, string(out), "R")
					continue
				}
				var refused *codec.EncodeError
				require.ErrorAs(t, err, &refused)
			}
		})
	}
}

// With ordered dicts, where a dict would be taken for an instance, it stays one.
func TestDictIsNoInstance(t *testing.T) {
	for _, o := range []*codec.Options{nil, {OrderedDicts: true}} {
		var v any
		require.NoError(t, pickle.Codec.Unmarshal([]byte(evil["dict like an instance"]), &v, o))
		require.IsType(t, map[string]any{}, v)
		var again any
		data, err := pickle.Marshal(v)
		require.NoError(t, err)
		require.NoError(t, pickle.Unmarshal(data, &again))
		require.Equal(t, v, again)
	}
}

func TestPickleCalls(t *testing.T) {
	color := codec.Object{Class: "shapes.Color", Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{int64(1)}}}
	tests := []struct {
		name string
		v    any
		safe bool
	}{
		{"own class", color, false},
		{"own exception", codec.NewDict("__class__", "shapes.CustomError", "__exception__", true, "args", codec.Tuple{"x"}), false},
		{"own function", codec.Global("shapes.f"), false},
		{"builtin exception", codec.NewDict("__class__", "builtins.KeyError", "__exception__", true, "args", codec.Tuple{color}), false},
		{"range", codec.Object{Class: "builtins.range", Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{int64(3)}}}, true},
		{"of an instance", codec.Object{Class: "builtins.set", Reduction: &codec.Reduction{
			Call: true, Args: codec.Tuple{codec.Object{Class: "shapes.A"}},
		}}, false},
		{"type of a builtin", codec.Global("builtins.int"), true},
		{"Ellipsis", codec.Global("builtins.Ellipsis"), true},
		{"function of Python", codec.Global("builtins.eval"), false},
		{"named tuple", codec.Object{Class: "shapes.Point", Reduction: &codec.Reduction{Args: codec.Tuple{int64(1), int64(2)}}}, true},
		{"new type", codec.Object{Class: "builtins.type", Reduction: &codec.Reduction{Args: codec.Tuple{"A"}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pickle.Codec.Append(nil, tt.v, calls)
			require.NoError(t, err)
			_, err = pickle.Marshal(tt.v)
			if tt.safe {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "option PickleCalls")
		})
	}
}

// The entries of a batch are written anew to be read one by one. What cannot be is the sender's fault.
func TestBatchOfOddClass(t *testing.T) {
	h, err := pickle.Codec.OpenCall([]byte("\x80\x04(\x8c\x01o\x8c\x07<batch>](\x8c\x01m(cos.x y\nsystem\nt}\x87e}t."), nil)
	require.NoError(t, err)
	errs := 0
	for _, err := range pickle.Codec.OpenBatch(h, nil) {
		var mismatch *codec.TypeError
		require.ErrorAs(t, err, &mismatch)
		require.Equal(t, "args[0]", mismatch.Path)
		errs++
	}
	require.Equal(t, 1, errs)
}
