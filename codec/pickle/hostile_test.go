package pickle_test

import (
	"bytes"
	"maps"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// size is that of most hostile inputs.
const size = 128 << 10

// many returns a list that consists of what unit pushes, again and again, after start.
func many(start, unit string) []byte {
	return slicesOf(start+"](", unit, "e.")
}

func slicesOf(start, unit, end string) []byte {
	b := bytes.Repeat([]byte(unit), size/len(unit))
	return append(append([]byte(start), b...), end...)
}

// bomb is a list of ten references to a list of ten references, and so on.
func bomb(levels int) []byte {
	b := []byte("\x80\x04]\x94")
	for i := range levels {
		b = append(b, '0', ']', '(')
		for range 10 {
			b = append(b, 'h', byte(i))
		}
		b = append(b, 'e', 0x94)
	}
	return append(b, '.')
}

// tupleBomb is the same of tuples, as the members of sets.
func tupleBomb(levels int) []byte {
	b := []byte("\x80\x04)\x94")
	for i := range levels {
		b = append(b, '0', '(')
		for range 10 {
			b = append(b, 'h', byte(i))
		}
		b = append(b, 't', 0x94)
	}
	return append(b, "\x8f(h\x00"+"\x90."...)
}

// dtypeBomb is a dtype of two fields of a dtype of two fields, and so on.
func dtypeBomb(levels int) []byte {
	b := []byte("\x80\x04cnumpy\ndtype\n\x8c\x02u2\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x94")
	for i := range levels {
		b = append(b, "0cnumpy\ndtype\n\x8c\x02V8\x89\x88\x87R(K\x03\x8c\x01|N\x8c\x01x\x8c\x01y\x86}(\x8c\x01xh"...)
		b = append(b, byte(i))
		b = append(b, "K\x00\x86\x8c\x01yh"...)
		b = append(b, byte(i))
		b = append(b, "K\x00\x86uK\x00K\x01K\x10tb\x94"...)
	}
	return append(b, "0cnumpy.core.multiarray\nscalar\nh"+string(rune(levels))+"C\x00\x86R."...)
}

func hostile() map[string][]byte {
	text := "\x80\x04X\x00\x00\x01\x00" + string(bytes.Repeat([]byte("x"), 1<<16)) + "\x94" // remembered at 0
	class := "\x80\x04ca\nB\n\x94"
	inputs := map[string][]byte{
		"nones":            many("", "N"),
		"lists":            many("", "]"),
		"tuples":           many("", ")"),
		"dicts":            many("", "}"),
		"sets":             many("\x80\x04", "\x8f"),
		"frozensets":       many("\x80\x04", "(\x91"),
		"dicts by none":    many("", "}NNs"),
		"dicts of one":     many("", "}U\x00Ns"),
		"texts":            many("", "U\x00"),
		"ints":             many("", "K\xff"),
		"longs":            many("\x80\x02", "\x8a\x01\xff"),
		"big longs":        many("\x80\x02", "\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
		"long texts":       many("", "L12345678901234567890123L\n"),
		"floats":           many("", "F1\n"),
		"marks":            slicesOf("", "(", "."),
		"marked tuples":    many("", "(t"),
		"marked lists":     many("", "(l"),
		"marked dicts":     many("", "(d"),
		"duplicates":       slicesOf("]", "2", "."),
		"duplicated lists": slicesOf("]N", "2\x86", "."),
		"appended":         slicesOf("]", "Na", "."),
		"set again":        slicesOf("}", "NNs", "."),
		"set other keys":   many("", "}(N]u"),
		"memo":             slicesOf("\x80\x04N", "\x94", "."),
		"memo far apart":   slicesOf("N", "r\xff\xff\xff\xff", "."),
		"memo by text":     slicesOf("N", "p99999\n", "."),
		"globals":          many("", "ca\nb\n"),
		"stack globals":    many("\x80\x04U\x00X\x01\x00\x00\x00a\x94", "h\x00h\x00\x93"),
		"long globals":     many(text, "h\x00h\x00\x93"),
		"instances":        many(class, "h\x00)\x81"),
		"calls":            many(class, "h\x00)R"),
		"calls of calls":   slicesOf(class, ")R", "."),
		"old instances":    many("", "(ia\nB\n"),
		"objects":          many(class, "(h\x00o"),
		"states":           slicesOf(class+")\x81", "}b", "."),
		"items":            slicesOf(class+")\x81", "Na", "."),
		"pairs":            slicesOf(class+")\x81", "NNs", "."),
		"same arguments":   many(class+"(NNNNNNNNNNNNNNNNt\x94", "h\x00h\x01R"),
		"same long":        many("\x80\x04\x8b\x00\x00\x01\x00"+string(bytes.Repeat([]byte("\x7f"), 1<<16))+"\x94", "h\x00"),
		"same text":        many(text, "h\x00"),
		"same keys":        many(text, "}h\x00Ns"),
		"duplicated text":  slicesOf(text, "2\x86", "."),
		"text arguments":   many(text+"cdecimal\nDecimal\n\x94h\x00\x85\x94", "h\x01h\x02R"),
		"exceptions":       many("cbuiltins\nValueError\n\x94"+text[2:]+"\x85\x94", "h\x00h\x02R"),
		"getattr":          slicesOf("\x80\x04cbuiltins\ngetattr\n\x94ca\nB\n", "\x8c\x01c\x86\x94h\x00h\x02R", "."),
		"encoded":          many(text+"c_codecs\nencode\n\x94h\x00\x8c\x06latin1\x86\x94", "h\x01h\x02R"),
		"same encoded":     many(text+"c_codecs\nencode\n\x94h\x00\x8c\x06latin1\x86R\x94", "h\x02"),
		"classes by value": many(text+"cdill._dill\n_create_type\n\x94(Nh\x00N}\x8c\x0a__module__h\x00st\x94", "h\x01h\x02R"),
		"evaluated":        many(text+"cdill._dill\n_eval_repr\n\x94h\x00\x85\x94", "h\x01h\x02R"),
		"zones":            many("\x80\x04czoneinfo\nZoneInfo._unpickle\n\x94cdatetime\ntime\n\x94", "h\x01C\x06\x00\x00\x00\x00\x00\x00\x8c\x03abcK\x01\x86\x86R"),
		"frames":           slicesOf("\x80\x04", "\x95\x00\x00\x00\x00\x00\x00\x00\x00", "N."),
		"huge frame":       []byte("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN."),
		"huge text":        []byte("X\xff\xff\xff\xffa."),
		"huge bytes":       []byte("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffa."),
		"huge long":        []byte("\x80\x02\x8b\xff\xff\xff\x7fa."),
		"long digits":      append(append([]byte("L"), bytes.Repeat([]byte("9"), size)...), "L\n."...),
		"digits":           append(append([]byte("I"), bytes.Repeat([]byte("9"), 4300)...), "\n."...),
		"class of class":   slicesOf("\x80\x04", "cc\nc\n)\x81}\x8c\x01c", "."),
		"nested":           slicesOf("", "]", string(bytes.Repeat([]byte("a"), size-1))+"."),
		"nested tuples":    slicesOf("N", "\x85", "."),
		"nested keys":      slicesOf("N", "\x85", "N\x86."),
		"nested instances": slicesOf("\x80\x04ca\nB\n\x94N", "\x85h\x002", "."),
		"bomb":             bomb(20),
		"tuple bomb":       tupleBomb(20),
		"dtype bomb":       dtypeBomb(40),
		"same array":       many("\x80\x04carray\n_array_reconstructor\n(carray\narray\n\x8c\x01BK\x00B\x00\x00\x01\x00"+string(make([]byte, 1<<16))+"tR\x94", "h\x00"),
		"same list":        many("\x80\x04](NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNe\x94", "h\x00"),
		"same set":         many("\x80\x04\x8f(K\x01K\x02K\x03K\x04K\x05K\x06K\x07K\x08\x90\x94", "h\x00"),
		"sets of a list":   many("\x80\x04cbuiltins\nset\n\x94](K\x01K\x02K\x03K\x04K\x05K\x06K\x07K\x08e\x94", "h\x00h\x01\x85R"),
		"dicts of pairs":   many("\x80\x04ccollections\nOrderedDict\n\x94](K\x01K\x02\x86K\x03K\x04\x86e\x94", "h\x00h\x01\x85R"),
		"odd values again": slicesOf("\x80\x04](c_codecs\nencode\n)\x81", "2", "e."),
		"odd duplicates":   slicesOf("\x80\x04](ccollections\nOrderedDict\n\x8c\x01a\x85R", "2", "e."),
		"duplicate URIs":   slicesOf("\x80\x04](cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01oN\x8c\x01hK\x01tb", "2", "e."),
		"odd values":       many("\x80\x04c_codecs\nencode\n)\x81\x94", "h\x00"),
		"deques":           many("\x80\x04ccollections\ndeque\n\x94", "h\x00)R"),
		"proxies":          many("\x80\x04cPyro4.core\nProxy\n\x94(cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01oN\x8c\x01hK\x01tb\x8f\x8f\x8fNNNK\x00Nt\x94", "h\x00)\x81h\x02b"),
	}
	maps.Copy(inputs, hostileReferences())
	for _, levels := range []int{1, 100} {
		inputs["array of "+strconv.Itoa(levels)] = wideArray(levels)
	}
	return inputs
}

// wideArray is an array of bytes with many dimensions of length 1.
func wideArray(n int) []byte {
	b := []byte("\x80\x05cnumpy\nndarray\n((M\xff\xff")
	b = append(b, bytes.Repeat([]byte("K\x01"), min(n, 63))...)
	b = append(b, "tcnumpy\ndtype\n\x8c\x03|u1\x85R\x96\xff\xff\x00\x00\x00\x00\x00\x00"...)
	return append(append(b, make([]byte, 65535)...), "K\x00N\x8c\x01Ct\x81."...)
}

func TestHostile(t *testing.T) {
	codectest.Hostile(t, pickle.Codec, hostile())
}

func TestHostileCalls(t *testing.T) {
	for name, data := range hostile() {
		t.Run(name, func(t *testing.T) {
			used := codectest.Allocated(func() { codectest.Call(t, pickle.Codec, data) })
			require.Less(t, used, uint64(3*256*len(data)+(16<<20)))
		})
	}
}

// What stands at the place of a method's name is looked at once, not after each opcode.
func TestOpenCallLooksOnce(t *testing.T) {
	const long = 1 << 20
	data := append([]byte("\x80\x04(U\x03objT\x00\x00\x10\x00"), bytes.Repeat([]byte("x"), long-1)...)
	data = append(append(data, 0xff), bytes.Repeat([]byte("N0"), long)...) // ASCII but for its end: otherwise this takes minutes
	_, err := pickle.Codec.OpenCall(append(data, ")}t."...), nil)
	require.ErrorContains(t, err, "method: want str, found bytes")
}

func TestBombs(t *testing.T) {
	var v any
	var limit *codec.LimitError
	require.ErrorAs(t, pickle.Unmarshal(bomb(20), &v), &limit)
	require.ErrorAs(t, pickle.Unmarshal(dtypeBomb(40), &v), &limit)
	require.ErrorAs(t, pickle.Unmarshal(nestedDtypes(1000), &v), &limit)
	require.Equal(t, "MaxDepth", limit.Option)
	require.NoError(t, pickle.Unmarshal(nestedDtypes(50), &v))
	require.NoError(t, pickle.Unmarshal(bomb(3), &v))
	require.NoError(t, pickle.Unmarshal(dtypeBomb(3), &v))
}

func TestCycles(t *testing.T) {
	for name, data := range map[string]string{
		"list":                 "\x80\x04]\x94h\x00a.",
		"dict":                 "\x80\x04}\x94\x8c\x01ah\x00s.",
		"tuple in a list":      "\x80\x04]\x94h\x00\x85a.",
		"instance":             "\x80\x04ca\nB\n)\x81\x94}\x8c\x01ah\x00sb.",
		"its own state":        "\x80\x04ca\nB\n)\x81\x94h\x00b.",
		"state with slots":     "\x80\x04ca\nB\n)\x81\x94N}\x8c\x01ah\x00s\x86b.",
		"arguments":            "\x80\x04ca\nB\n]\x94\x85R\x94h\x00h\x01a0.",
		"items":                "\x80\x04ca\nB\n)\x81\x94h\x00a.",
		"pairs":                "\x80\x04ca\nB\n)\x81\x94Nh\x00s.",
		"exception":            "\x80\x04cbuiltins\nValueError\n]\x94\x85R\x94h\x00h\x01a.",
		"set":                  "\x80\x04cbuiltins\nset\n]\x94\x85R\x94h\x00h\x01a.",
		"array of itself":      "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R\x94h\x00b.",
		"dtype of itself":      "\x80\x04cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\x02V8\x85R\x94(K\x03NNN\x8c\x01x\x85}\x8c\x01xh\x00K\x00\x86sK\x08K\x00K\x00tbC\x00\x86R.",
		"list subclass":        "ccopy_reg\n_reconstructor\n(ca\nB\nc__builtin__\nlist\n](tRp0\n.",
		"keyword arguments":    "\x80\x04ca\nB\n)}\x94\x8c\x01ah\x00s\x92.",
		"set in a frozenset":   "\x80\x04\x8f\x94(h\x00\x91\x85\x90.",
		"frozenset in a tuple": "\x80\x04]\x94(h\x00\x91a.",
	} {
		t.Run(name, func(t *testing.T) {
			type lists []lists
			type tree struct {
				A *tree `pyro:"a"`
			}
			for _, dst := range []any{new(lists), new(tree), new(codec.Set), new(map[string]any)} {
				codectest.RequireReadError(t, pickle.Unmarshal([]byte(data), dst))
			}
			var v any
			err := pickle.Unmarshal([]byte(data), &v)
			if err != nil {
				codectest.RequireReadError(t, err)
			}
			if name != "list subclass" && name != "set in a frozenset" {
				require.ErrorContains(t, err, "a container holds itself")
			}
		})
	}
}

// What is no value of Go although its class is known costs as much as any instance, and what is duplicated by one byte
// each more than that byte.
func TestHostileInstances(t *testing.T) {
	type own struct {
		A *own `pyro:"a"`
	}
	inputs := hostile()
	for _, name := range []string{"odd values", "odd values again", "odd duplicates", "duplicate URIs"} {
		for _, dst := range []any{new([]codec.Object), new([]*own), new([]*codec.Dict)} {
			codectest.InProportion(t, pickle.Codec, inputs[name], dst, nil)
		}
	}
}
