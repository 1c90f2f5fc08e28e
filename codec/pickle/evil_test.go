package pickle_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// evil are pickles that run code in the Python that loads them, or try to.
var evil = map[string]string{
	"system":                               "cos\nsystem\n(S'id'\ntR.",
	"system of protocol 4":                 "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
	"eval":                                 "\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R.",
	"INST":                                 "(S'id'\nios\nsystem\n.",
	"OBJ":                                  "(cos\nsystem\nS'id'\no.",
	"getattr chain":                        "\x80\x04c__builtin__\ngetattr\ncos\nsystem\n\x8c\x08__call__\x86R\x8c\x02id\x85R.",
	"getattr of a call":                    "\x80\x04c__builtin__\ngetattr\nc__builtin__\n__import__\n\x8c\x02os\x85R\x8c\x06system\x86R\x8c\x02id\x85R.",
	"apply":                                "c__builtin__\napply\n(cos\nsystem\n(S'id'\nttR.",
	"map":                                  "\x80\x04cbuiltins\nlist\ncbuiltins\nmap\ncos\nsystem\n]\x8c\x02ida\x86\x81\x85R.",
	"partial":                              "\x80\x04cfunctools\npartial\ncos\nsystem\n\x8c\x02id\x86R)R.",
	"setstate of itself":                   "\x80\x04cos\nA\n)\x81}\x8c\x0c__setstate__cos\nsystem\nsb.",
	"eval in a state":                      "\x80\x04cm\nA\n)\x81cbuiltins\neval\n\x8c\x031+1\x85Rb.",
	"in an exception":                      "\x80\x04cbuiltins\nValueError\ncos\nsystem\n\x8c\x02id\x85R\x85R.",
	"in a key":                             "\x80\x04}cos\nsystem\n\x8c\x02id\x85RNs.",
	"in a set":                             "\x80\x04cbuiltins\nset\n]cos\nsystem\n\x8c\x02id\x85Ra\x85R.",
	"in an array":                          "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cos\nsystem\n\x8c\x02id\x85R\x89C\x01atb.",
	"name of an exception":                 "\x80\x04cos\nsystem\n\x8c\x02id\x85R}\x8c\x0e_pyroTracebackNsb.",
	"code by value":                        "\x80\x04cbuiltins\neval\nctypes\nCodeType\n(K\x00K\x00K\x00K\x00K\x00K\x00C\x00)))\x8c\x00\x8c\x00K\x00C\x00tR\x85R.",
	"type":                                 "\x80\x04cbuiltins\ntype\n\x8c\x01A)}\x87\x81.",
	"type with keywords":                   "\x80\x04cbuiltins\ntype\n)}\x8c\x01aNs\x92.",
	"memmap":                               "\x80\x04cnumpy\nmemmap\n\x8c\x03x.y\x8c\x02u1\x8c\x02w+\x87\x81.",
	"reconstructor":                        "ccopy_reg\n_reconstructor\n(cos\nsystem\ncos\nsystem\nS'id'\ntR.",
	"proxy's handshake":                    "\x80\x04cPyro4.core\nProxy\n)\x81(\x8c\x0aPYRO:a@b:1\x8f\x8f\x8fK\x00Ncos\nsystem\n\x8c\x02id\x85RK\x00Ntb.",
	"global":                               "cos\nsystem\n.",
	"global in a list":                     "\x80\x04]cbuiltins\neval\na.",
	"iterated":                             "\x80\x04cbuiltins\nset\ncm\nA\n)\x81\x85R.",
	"repr of dill":                         "\x80\x04cdill._dill\n_eval_repr\n\x8c\x1d__import__('os').system('id')\x85R.",
	"callable of no name":                  "\x80\x04]N\x85R.",
	"extension":                            "\x80\x02\x82\x01.",
	"persistent id":                        "Pos.system\n.",
	"persistent object":                    "\x80\x02NQ.",
	"buffer":                               "\x80\x05\x97.",
	"name with a newline":                  "\x80\x04\x8c\x02os\x8c\x0fsystem\n(S'id'\ntR\x93)\x81.",
	"class dict of a call":                 "\x80\x04cos\nsystem\n)R}(\x8c\x09__class__\x8c\x09os.system\x8c\x0d__exception__\x88ub.",
	"lazy map in a tuple":                  "\x80\x04cbuiltins\ntuple\ncbuiltins\nmap\ncos\nsystem\n](\x8c\x02ide\x86\x81\x85\x81.",
	"lazy map of an object":                "\x80\x04cbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81.",
	"lazy map in a frozenset":              "\x80\x04cbuiltins\nfrozenset\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81.",
	"lazy map in bytes":                    "\x80\x04cbuiltins\nbytes\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81.",
	"lazy map in an array":                 "\x80\x04carray\narray\n\x8c\x01bcbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x86\x81.",
	"lazy map in a deque":                  "\x80\x04ccollections\ndeque\n)R(cbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81e.",
	"lazy map in a value":                  "\x80\x04}(\x8c\x01acbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81u.",
	"lazy map in a key":                    "\x80\x04}(cbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81K\x01u.",
	"lazy map in an error":                 "\x80\x04cbuiltins\nValueError\ncbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81\x85R.",
	"lazy map in an array of objects":      "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89](cbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81etb.",
	"lazy map of an own class":             "\x80\x04cm\nA\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x85\x81.",
	"lazy map by import":                   "\x80\x04cshop\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81.",
	"lazy map of itertools":                "\x80\x04citertools\nstarmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](N\x85e\x86\x81.",
	"error that iterates":                  "\x80\x04cbuiltins\nSyntaxError\n\x8c\x01mcbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x86R.",
	"reconstructor of a map":               "\x80\x04ccopyreg\n_reconstructor\ncm\nFoo\ncbuiltins\ntuple\ncbuiltins\nmap\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81\x87R.",
	"reconstructor of a class":             "\x80\x04ccopyreg\n_reconstructor\nctempfile\n_TemporaryFileCloser\ncbuiltins\nobject\nN\x87R}(\x8c\x04name\x8c\x01xub.",
	"memmap elsewhere":                     "\x80\x04cnumpy.matlib\nmemmap\n(\x8c\x01x\x8c\x02u1\x8c\x02w+K\x00K\x01\x85t\x81.",
	"memmap by import":                     "\x80\x04cshop\nnp.memmap\n(\x8c\x01x\x8c\x02u1\x8c\x02w+K\x00K\x01\x85t\x81.",
	"memmap by two imports":                "\x80\x04cnumpy\nma.core.np.memmap\n(\x8c\x01x\x8c\x02u1\x8c\x02w+K\x00K\x01\x85t\x81.",
	"deletes a file":                       "\x80\x04ctempfile\n_TemporaryFileCloser\n)\x81}(\x8c\x04name\x8c\x01x\x8c\x06delete\x88\x8c\x0cclose_called\x89ub.",
	"deletes a file by import":             "\x80\x04cshop\n_TemporaryFileCloser\n)\x81}(\x8c\x04name\x8c\x01x\x8c\x06delete\x88\x8c\x0cclose_called\x89ub.",
	"import that acts":                     "\x80\x04cantigravity\nA\n)\x81}(\x8c\x01aNub.",
	"import of a program":                  "\x80\x04cshop.__main__\nA\n)\x81}(\x8c\x01aNub.",
	"import of a private module":           "\x80\x04c_pyrepl.main\nA\n)\x81}(\x8c\x01aNub.",
	"metaclass":                            "\x80\x04cabc\nABCMeta\n\x8c\x01A)}\x87\x81.",
	"metaclass by import":                  "\x80\x04cshop\nMeta\n\x8c\x01Acbuiltins\nobject\n\x85}(\x8c\x01aK\x01u\x87\x81.",
	"through __builtins__":                 "\x80\x04c__main__\n__builtins__.map\ncoperator\nmethodcaller\n\x8c\x06system\x8c\x02id\x86\x81](Ne\x86\x81.",
	"through a class":                      "\x80\x04c__main__\nA.__class__\n\x8c\x01A\x85\x81.",
	"through globals":                      "\x80\x04cshop\nA.__init__.__globals__\n\x8c\x01A\x85\x81.",
	"memory of an array":                   "\x80\x04cnumpy\nndarray\nK\x01\x85\x8c\x01OC\x08AAAAAAAA\x87\x81.",
	"memory of a record":                   "\x80\x04cnumpy\nrecarray\nK\x01\x85\x8c\x02V8C\x08AAAAAAAA\x87\x81.",
	"objects without flags":                "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\n\x8c\x02V8\x89\x88\x87R(K\x03\x8c\x01|N\x8c\x01a\x85}(\x8c\x01acnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tbK\x00\x86uK\x08K\x01K\x00tb\x89C\x08AAAAAAAAtb.",
	"scalar of objects":                    "\x80\x04cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\x02V8\x89\x88\x87R(K\x03\x8c\x01|N\x8c\x01a\x85}(\x8c\x01acnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tbK\x00\x86uK\x08K\x01K\x00tbC\x08AAAAAAAA\x86R.",
	"field beyond its record":              "\x80\x04cnumpy\ndtype\n\x8c\x02V8\x89\x88\x87R(K\x03\x8c\x01|N\x8c\x01a\x85}(\x8c\x01acnumpy\ndtype\n\x8c\x02i8\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbK\xc8\x86uK\x08K\x01K\x10tb.",
	"plain type with the flags of objects": "\x80\x04cnumpy\ndtype\n\x8c\x02i8\x89\x88\x87R(K\x03\x8c\x01|N\x8c\x01a\x85}J\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb.",
	"mask that looks at its filling":       "\x80\x04cnumpy.ma.core\n_mareconstruct\n(cnumpy.ma\nMaskedArray\ncnumpy\nndarray\nK\x00\x85C\x01btR(K\x01K\x01\x85\x8c\x01O\x89](K\x01eC\x01AcPyro4.core\nProxy\n)\x81tb.",
	"array in a record that looks at its elements": "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\n](\x8c\x01a\x8c\x01OK\x01\x85\x87e\x85R\x89](cPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00Ntb\x85etb.",
	"date in a record that looks at its element":   "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\n\x8c\x07O,M8[s]\x85R\x89](NcPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00Ntb\x86etb.",
	"array of arrays of objects":                   "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\n\x8c\x01OK\x01\x85\x86\x85R\x89](cPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00Ntbetb.",
	"scalar of a record of objects":                "\x80\x04cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\x04O,i8\x85RC\x10AAAAAAAAAAAAAAAA\x86R.",
	"key that is no bytes":                         "\x80\x04}cPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00cPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00NtbNK\x00NtbNs.",
	"names that are a proxy":                       "\x80\x04}cPyro5.client\nProxy\n)\x81(\x8c\nPYRO:x@h:1cPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00Ntb\x8f\x8f\x8c\x05helloNtbNs.",
	"error in a key that iterates":                 "\x80\x04}cbuiltins\nSyntaxError\n\x8c\x01mcPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00Ntb\x86RNs.",
	"state of an identifier":                       "\x80\x04}cuuid\nUUID\n)\x81}\x8c\x03intcPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00NtbsbNs.",
	"deletes a file when it goes":                  "\x80\x04cshop\nFileInput\n)\x81}\x8c\x0f_backupfilename\x8c\x01xsb.",
	"calls what it holds when it goes":             "\x80\x04cshop\nStreamWriter\n)\x81}\x8c\n_transportcPyro4.core\nProxy\n)\x81(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01xN\x8c\x01hK\x01tb\x8f\x8f\x8fK\x00NNK\x00Ntbsb.",
	"fraction that is long":                        "\x80\x04cfractions\nFraction\n\x8c\x0b1e999999999\x85R.",
	"array that starts with all of the memory":     "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\x00\x00\x00\x10\x85\x8c\x01O\x87R.",
	"mask that starts with all of the memory":      "\x80\x04cnumpy.ma.core\n_mareconstruct\n(cnumpy.ma.core\nMaskedArray\ncnumpy\nndarray\nJ\x00\x00\x00\x10\x85C\x01btR.",
	"text in a quadratic encoding":                 "\x80\x04c_codecs\nencode\n\x8c\x01x\x8c\x08punycode\x86R.",
	"set of a network":                             "\x80\x04cbuiltins\nset\ncipaddress\nIPv4Network\n\x8c\x090.0.0.0/0\x85R\x85R.",
	"bytes by their number":                        "\x80\x04cbuiltins\nbytes\nJ\xff\xff\xff\x7f\x85\x81.",
	"dict like an instance":                        "\x80\x04}(\x8c\x09__class__\x8c\x0dbuiltins.eval\x8c\x0d__exception__\x88\x8c\x04args\x8c\x031+1\x85u.",
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

// Of the attributes of an exception, those do not go out that Python iterates, or imports a module for.
func TestAttributesThatAct(t *testing.T) {
	const own = "\x80\x04cbuiltins\nImportError\n\x8c\x01m\x85R}(\x8c\x04args\x8c\x02ab\x8c\x09name_from\x8c\x01x\x8c\x04code\x8c\x04keepub."
	for _, data := range []string{own, "\x80\x04}" + own[2:len(own)-1] + "Ns."} {
		var v any
		require.NoError(t, pickle.Unmarshal([]byte(data), &v))
		out, err := pickle.Marshal(v)
		require.NoError(t, err)
		require.Contains(t, string(out), "keep")
		require.NotContains(t, string(out), "args")
		require.NotContains(t, string(out), "name_from")
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
		{"instance of an own class", codec.Object{Class: "shapes.Shape"}, true},
		{"instance of a class in a class", codec.Object{Class: "shapes:Shape._Corner", Attrs: map[string]any{"x": 1}}, true},
		{"instance of a class in lower case", codec.Object{Class: "shapes.shape"}, false},
		{"instance of a package's", codec.Object{Class: "pandas.DataFrame"}, false},
		{"three arguments", codec.Object{Class: "shapes.Shape", Reduction: &codec.Reduction{Args: codec.Tuple{"a", codec.Tuple{1}, map[string]any{}}}}, true},
		{"attributes of what a container has", codec.Object{Class: "collections.UserList", Attrs: map[string]any{"data": []any{1}}}, true},
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

// Whoever registers a class says that instances of it may be made.
func TestRegisteredClassMayBeMade(t *testing.T) {
	type shape struct {
		X int `pyro:"x"`
	}
	r := codec.NewRegistry()
	codec.RegisterType[shape](r, "shapes.shape")
	data, err := pickle.Codec.Append(nil, shape{1}, &codec.Options{Registry: r})
	require.NoError(t, err)
	require.Contains(t, string(data), "shapes\x8c\x05shape\x93")
	_, err = pickle.Marshal(codec.Object{Class: "shapes.shape"})
	require.ErrorContains(t, err, "option PickleCalls, or register the class")
}

// A dtype that cannot be misread goes out as what numpy checks, without the state that it would believe.
func TestDtypeWithoutState(t *testing.T) {
	field := codec.Object{Class: "numpy.dtype", Reduction: &codec.Reduction{
		Call: true, Args: codec.Tuple{"i4", false, true}, State: codec.Tuple{int64(3), "<", nil, nil, nil, int64(-1), int64(-1), int64(0)},
	}}
	record := codec.Object{Class: "numpy.dtype", Reduction: &codec.Reduction{
		Call: true, Args: codec.Tuple{"V8", false, true}, State: codec.Tuple{
			int64(3), "|", nil, codec.Tuple{"a"}, map[string]any{"a": codec.Tuple{field, int64(4)}}, int64(8), int64(1), int64(16),
		},
	}}
	data, err := pickle.Marshal(record)
	require.NoError(t, err)
	require.Contains(t, string(data), "offsets")
	require.NotContains(t, string(data), "b.", "no state")
}

// What cloudpickle and dill write in their own ways for values that are harmless.
func TestValuesOfCloudpickleAndDill(t *testing.T) {
	var v any
	require.NoError(t, pickle.Unmarshal([]byte("\x80\x04cbuiltins\nbytes\nC\x02ab\x85R."), &v))
	require.Equal(t, []byte("ab"), v, "a memoryview")

	const u1 = "cnumpy\ndtype\n\x8c\x02u1\x85R"
	array := "\x80\x04cdill._dill\n_create_array\n(cnumpy.core.multiarray\n_reconstruct\ncnumpy\nmatrix\nK\x00\x85C\x01b\x87(K\x01K\x01K\x01\x86" +
		u1 + "\x89C\x01atATTRStR."
	for _, attrs := range []string{"N", "}", "}\x8c\x08_getitem\x89s"} {
		require.NoError(t, pickle.Unmarshal([]byte(strings.ReplaceAll(array, "ATTRS", attrs)), &v))
		_, err := pickle.Marshal(v)
		require.NoError(t, err, "a matrix with %q", attrs)
	}

	const record = "\x80\x04cnumpy\ndtype\ncnumpy\nrecord\n\x85R(K\x03\x8c\x01|N\x8c\x01x\x85}\x8c\x01x" + u1 + "K\x00\x86sK\x01K\x01K\x10tb."
	require.NoError(t, pickle.Unmarshal([]byte(record), &v))
	data, err := pickle.Marshal(v)
	require.NoError(t, err)
	require.Contains(t, string(data), "\x8c\x06record\x93](", "numpy.dtype((numpy.record, [('x', '|u1')]))")
}

// Classes of Python's own modules, of whatever version, are not taken for those of users.
func TestModulesOfPythonAreNobodysOwn(t *testing.T) {
	for module := range strings.FieldsSeq(`Tkinter UserList annotationlib antigravity compression.zstd concurrent.interpreters
		distutils.cmd idlelib.idle lib2to3.pgen2 logging.handlers msilib multiprocessing.pool numpy.ma pip._internal
		site string.templatelib test.support this tkinter user winreg _pyrepl.main _zstd xml.sax`) {
		_, err := pickle.Marshal(codec.Object{Class: module + ".Thing"})
		require.ErrorContains(t, err, "option PickleCalls", module)
	}
}
