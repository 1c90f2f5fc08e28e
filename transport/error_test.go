package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/transport"
)

func TestErrorsAreClassedByTheirPythonClass(t *testing.T) {
	tests := []struct {
		class string
		args  []any
		full  string
		code  transport.Code
		is    error
	}{
		{"ValueError", nil, "builtins.ValueError", transport.CodeInvalidArgument, transport.ErrInvalidArgument},
		{"builtins.TypeError", nil, "builtins.TypeError", transport.CodeInvalidArgument, transport.ErrInvalidArgument},
		{"KeyError", []any{"x"}, "builtins.KeyError", transport.CodeNotFound, transport.ErrNotFound},
		{"FileExistsError", nil, "builtins.FileExistsError", transport.CodeAlreadyExists, transport.ErrAlreadyExists},
		{"PermissionError", nil, "builtins.PermissionError", transport.CodePermissionDenied, transport.ErrPermissionDenied},
		{"TimeoutError", nil, "builtins.TimeoutError", transport.CodeDeadlineExceeded, transport.ErrTimeout},
		{"NotImplementedError", nil, "builtins.NotImplementedError", transport.CodeUnimplemented, transport.ErrUnimplemented},
		{"MemoryError", nil, "builtins.MemoryError", transport.CodeResourceExhausted, transport.ErrExhausted},
		{"ConnectionResetError", nil, "builtins.ConnectionResetError", transport.CodeUnavailable, transport.ErrUnavailable},
		{"IndexError", nil, "builtins.IndexError", transport.CodeOutOfRange, nil},
		{"RuntimeError", nil, "builtins.RuntimeError", transport.CodeUnknown, nil},
		{"NamingError", []any{"unknown name: x"}, "Pyro5.errors.NamingError", transport.CodeNotFound, transport.ErrNotFound},
		{"NamingError", []any{"name already registered: x"}, "Pyro5.errors.NamingError", transport.CodeAlreadyExists, transport.ErrAlreadyExists},
		{"NamingError", []any{"the name x cannot be leased"}, "Pyro5.errors.NamingError", transport.CodeInvalidArgument, transport.ErrInvalidArgument},
		{"NamingError", []any{"regex took too long"}, "Pyro5.errors.NamingError", transport.CodeDeadlineExceeded, transport.ErrTimeout},
		{"NamingError", []any{"too many watchers"}, "Pyro5.errors.NamingError", transport.CodeResourceExhausted, transport.ErrExhausted},
		{"NamingError", []any{"invalid regex: unterminated character set"}, "Pyro5.errors.NamingError", transport.CodeInvalidArgument, transport.ErrInvalidArgument},
		{"NamingError", []any{"Failed to locate the nameserver"}, "Pyro5.errors.NamingError", transport.CodeUnavailable, transport.ErrUnavailable},
		{"NamingError", []any{"storage: names.sqlite: locked"}, "Pyro5.errors.NamingError", transport.CodeUnavailable, transport.ErrUnavailable},
		{"Pyro4.errors.NamingError", []any{"dbm error in getitem: x"}, "Pyro4.errors.NamingError", transport.CodeUnavailable, transport.ErrUnavailable},
		{"NamingError", []any{"DbmStorage doesn't support metadata"}, "Pyro5.errors.NamingError", transport.CodeUnimplemented, transport.ErrUnimplemented},
		{"DaemonError", []any{"unknown object"}, "Pyro5.errors.DaemonError", transport.CodeNotFound, transport.ErrNotFound},
		{"SecurityError", nil, "Pyro5.errors.SecurityError", transport.CodePermissionDenied, transport.ErrPermissionDenied},
		{"Pyro4.errors.TimeoutError", nil, "Pyro4.errors.TimeoutError", transport.CodeDeadlineExceeded, transport.ErrTimeout},
		{"Pyro4.errors.ConnectionClosedError", nil, "Pyro4.errors.ConnectionClosedError", transport.CodeUnavailable, transport.ErrUnavailable},
		{"mymodule.MyError", nil, "mymodule.MyError", transport.CodeUnknown, nil},
	}
	for _, tt := range tests {
		e := transport.NewError(tt.class, tt.args...)
		require.Equal(t, tt.full, e.Class)
		require.Equal(t, tt.code, e.Code, tt.full)
		if tt.is != nil {
			require.ErrorIs(t, fmt.Errorf("wrapped: %w", e), tt.is)
		}
		require.NotErrorIs(t, e, transport.ErrUnauthenticated)
	}
}

func TestAsError(t *testing.T) {
	own := transport.NewError("ValueError", "x")
	tests := []struct {
		name string
		err  error
		code transport.Code
	}{
		{"a context's deadline", context.DeadlineExceeded, transport.CodeDeadlineExceeded},
		{"a context's end", fmt.Errorf("w: %w", context.Canceled), transport.CodeCanceled},
		{"a sentinel", fmt.Errorf("w: %w", transport.ErrUnauthenticated), transport.CodeUnauthenticated},
		{"a missing file", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, transport.CodeNotFound},
		{"a forbidden file", fs.ErrPermission, transport.CodePermissionDenied},
		{"a file that is there", fs.ErrExist, transport.CodeAlreadyExists},
		{"a value that does not fit", &codec.TypeError{Want: "int", Found: "str"}, transport.CodeInvalidArgument},
		{"anything", errors.New("x"), transport.CodeUnknown},
		{"an Error in wrapping", fmt.Errorf("w: %w", own), transport.CodeInvalidArgument},
	}
	for _, tt := range tests {
		e := transport.AsError(tt.err)
		require.Equal(t, tt.code, e.Code, tt.name)
		require.ErrorIs(t, e, tt.err, "the cause is kept: %s", tt.name)
	}
	require.NoError(t, asPlain(transport.AsError(nil)))
	require.Same(t, own, transport.AsError(own))
	require.Equal(t, "w: ValueError: x", transport.AsError(fmt.Errorf("w: %w", own)).Message, "what the wrapping says is kept")
}

func asPlain(e *transport.Error) error {
	if e == nil {
		return nil
	}
	return e
}

func TestTheTextOfAnError(t *testing.T) {
	e := transport.NewError("ValueError", "wrong value", 42)
	require.EqualError(t, e, "ValueError: ('wrong value', 42)")
	during := e.During("call fail", "PYRO:o@h:1", "1.2.3.4:5 (pyro5)")
	require.EqualError(t, during, "call fail of PYRO:o@h:1 at 1.2.3.4:5 (pyro5): ValueError: ('wrong value', 42)")
	require.Empty(t, e.Op, "the original is as it was")
	require.Equal(t, "call fail", during.During("call other", "", "").Op, "the first one knows best")
	require.EqualError(t, transport.NewError("StopIteration"), "StopIteration")
	require.EqualError(t, transport.Errorf(transport.CodeInternal, "a: %w", context.Canceled), "a: context canceled")
	require.ErrorIs(t, transport.Errorf(transport.CodeInternal, "a: %w", context.Canceled), context.Canceled)
	require.NotContains(t, transport.NewError("ValueError", func() {}).Message, "0x", "no addresses")
}

func TestCodesHaveNames(t *testing.T) {
	require.Equal(t, "not_found", transport.CodeNotFound.String())
	require.Equal(t, "unauthenticated", transport.CodeUnauthenticated.String())
	require.Equal(t, "unknown", transport.Code(0).String())
	require.Equal(t, "unknown", transport.Code(99).String())
	require.EqualError(t, transport.ErrTimeout, "deadline_exceeded")
}

// What a caller of each dialect sees of an error that a method returned.
func TestWhatIsRaised(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		want4 string // class; Pyro4 and Pyro5 differ in their own errors only
		args  []any
	}{
		{"a builtin", transport.NewError("ValueError", "wrong", 42), "builtins.ValueError", []any{"wrong", int64(42)}},
		{"one of Pyro's", transport.NewError("NamingError", "x"), "Pyro4.errors.NamingError", []any{"x"}},
		{"none of Pyro's", transport.NewError("Pyro5.errors.OurOwn", "x"), "builtins.RuntimeError", []any{"Pyro5.errors.OurOwn: x"}},
		{"a class that nobody knows", transport.NewError("my.Error", "x"), "builtins.RuntimeError", []any{"my.Error: x"}},
		{"a builtin that is none", transport.NewError("builtins.int", "5"), "builtins.RuntimeError", []any{"builtins.int: 5"}},
		{"a syntax error", transport.NewError("SyntaxError", "x", 42), "builtins.SyntaxError", []any{"('x', 42)"}},
		{"one with a place", transport.NewError("TabError", "x", []any{"f", nil, nil, nil}), "builtins.TabError", []any{"x", []any{"f", nil, nil, nil}}},
		{"a plain error", errors.New("x"), "builtins.RuntimeError", []any{"x"}},
		{"a deadline", context.DeadlineExceeded, "builtins.TimeoutError", []any{"context deadline exceeded"}},
		{"a missing file", fmt.Errorf("a: %w", fs.ErrNotExist), "builtins.FileNotFoundError", []any{"a: file does not exist"}},
		{"not found", transport.Errorf(transport.CodeNotFound, "x"), "builtins.LookupError", []any{"x"}},
		{"denied", transport.Errorf(transport.CodePermissionDenied, "x"), "builtins.PermissionError", []any{"x"}},
		{"unauthenticated", transport.Errorf(transport.CodeUnauthenticated, "x"), "builtins.PermissionError", []any{"x"}},
		{"invalid", transport.Errorf(transport.CodeInvalidArgument, "x"), "builtins.ValueError", []any{"x"}},
		{"of the wrong type", &codec.TypeError{Want: "int", Found: "str"}, "builtins.TypeError", []any{"want int, found str"}},
		{"unimplemented", transport.Errorf(transport.CodeUnimplemented, "x"), "builtins.NotImplementedError", []any{"x"}},
	}
	for _, tt := range tests {
		for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			t.Run(d.String()+"/"+tt.name, func(t *testing.T) {
				data, err := serpent.Codec.Append(nil, tt.err, &codec.Options{Dialect: d})
				require.NoError(t, err)
				var v any
				require.NoError(t, serpent.Codec.Unmarshal(data, &v, nil))
				got, ok := v.(*transport.Error)
				require.True(t, ok)
				want := tt.want4
				if d == codec.Pyro5 && want == "Pyro4.errors.NamingError" {
					want = "Pyro5.errors.NamingError"
				}
				require.Equal(t, want, got.Class)
				require.Equal(t, tt.args, got.Args)
				require.True(t, got.Remote)
			})
		}
	}
}

func TestAnExceptionTravelsWhole(t *testing.T) {
	sent := transport.NewError("KeyError", "missing")
	sent.Attrs = map[string]any{"code": int64(7)}
	sent.Traceback = []string{"Traceback (most recent call last):\n", "KeyError: 'missing'\n"}
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		data, err := serpent.Codec.Append(nil, sent, &codec.Options{Dialect: d})
		require.NoError(t, err)
		require.Equal(t, "# serpent utf-8 python3.2\n{'__class__':'builtins.KeyError','__exception__':True,'args':('missing',),"+
			"'attributes':{'code':7,'_pyroTraceback':['Traceback (most recent call last):\\n',\"KeyError: 'missing'\\n\"]}}", string(data))
		var v any
		require.NoError(t, serpent.Codec.Unmarshal(data, &v, nil))
		want := *sent
		want.Remote = true
		require.Equal(t, &want, v)
	}
}

// Pyro's own classes have the name of the peer's dialect in tracebacks, too.
func TestTracebacksNameTheClassThatIsSent(t *testing.T) {
	for _, tt := range []struct{ class, last, want4, want5 string }{
		{"NamingError", "Pyro5.errors.NamingError: lost\n", "Pyro4.errors.NamingError: lost\n", "Pyro5.errors.NamingError: lost\n"},
		{"Pyro4.errors.NamingError", "Pyro4.errors.NamingError\n", "Pyro4.errors.NamingError\n", "Pyro5.errors.NamingError\n"},
		{"NamingError", "of its own\n", "of its own\n", "of its own\n"},
		{"shop.SoldOut", "shop.SoldOut: tea\n", "shop.SoldOut: tea\n", "shop.SoldOut: tea\n"},
	} {
		sent := transport.NewError(tt.class, "lost")
		sent.Traceback = []string{"Traceback (most recent call last):\n", tt.last}
		for d, want := range map[codec.Dialect]string{codec.Pyro4: tt.want4, codec.Pyro5: tt.want5} {
			data, err := serpent.Codec.Append(nil, sent, &codec.Options{Dialect: d})
			require.NoError(t, err)
			var v any
			require.NoError(t, serpent.Codec.Unmarshal(data, &v, nil))
			got, ok := v.(*transport.Error)
			require.True(t, ok, "%T", v)
			require.Equal(t, []string{"Traceback (most recent call last):\n", want}, got.Traceback)
		}
		require.Equal(t, tt.last, sent.Traceback[1], "the error itself is as it was")
	}
}

// What peers of other languages and versions send.
func TestExceptionsOfOthers(t *testing.T) {
	tests := []struct{ name, dict, want string }{
		{"Python 2", "{'__class__':'exceptions.ValueError','__exception__':True,'args':('x',),'attributes':{}}", "builtins.ValueError"},
		{"Pyrolite", "{'__class__':'PyroError','__exception__':True,'args':('x',),'attributes':{}}", "Pyro5.errors.PyroError"},
		{"a bare builtin", "{'__class__':'ValueError','__exception__':True,'args':('x',),'attributes':{}}", "builtins.ValueError"},
		{"Pyro's own win among bare names", "{'__class__':'TimeoutError','__exception__':True,'args':('x',),'attributes':{}}", "Pyro5.errors.TimeoutError"},
		{"Pyro's own without a mark", "{'__class__':'Pyro4.errors.NamingError','args':('x',),'attributes':{}}", "Pyro4.errors.NamingError"},
		{"a list of arguments", "{'__class__':'builtins.ValueError','__exception__':True,'args':['x'],'attributes':{}}", "builtins.ValueError"},
		{"no attributes", "{'__class__':'builtins.ValueError','__exception__':True,'args':('x',)}", "builtins.ValueError"},
		{"a class of the peer's own", "{'__class__':'my.Error','__exception__':True,'args':('x',),'attributes':{}}", "my.Error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			require.NoError(t, serpent.Codec.Unmarshal([]byte(tt.dict), &v, nil))
			e, ok := v.(*transport.Error)
			require.True(t, ok, "%T", v)
			require.Equal(t, tt.want, e.Class)
			require.Equal(t, []any{"x"}, e.Args)
			require.Equal(t, "x", e.Message)
			require.Nil(t, e.Traceback)
		})
	}
	var v any
	require.NoError(t, serpent.Codec.Unmarshal([]byte("{'__class__':'my.Error','args':('x',)}"), &v, nil))
	require.IsType(t, codec.Object{}, v, "without a mark it is an instance like any other")
}

func TestABatchErrorTravels(t *testing.T) {
	for d, class := range map[codec.Dialect]string{codec.Pyro4: "Pyro4.futures._ExceptionWrapper", codec.Pyro5: "Pyro5.core._ExceptionWrapper"} {
		data, err := serpent.Codec.Append(nil, []any{1, &transport.BatchError{Err: transport.NewError("KeyError", "x")}}, &codec.Options{Dialect: d})
		require.NoError(t, err)
		require.Contains(t, string(data), class)
		var results []any
		require.NoError(t, serpent.Codec.Unmarshal(data, &results, nil))
		require.Len(t, results, 2)
		batch, ok := results[1].(*transport.BatchError)
		require.True(t, ok, "%T", results[1])
		require.ErrorIs(t, batch, transport.ErrNotFound)
		require.EqualError(t, batch, "KeyError: 'x'")
	}
	var v any
	err := serpent.Codec.Unmarshal([]byte("{'__class__':'Pyro5.core._ExceptionWrapper','exception':5}"), &v, nil)
	require.ErrorContains(t, err, "holds no exception")
}

// A daemon answers Pyro's own communication errors with silence: a method's error is never one.
func TestCommunicationErrorsAreRaisedAsBuiltinOnes(t *testing.T) {
	tests := map[string]string{
		"Pyro5.errors.TimeoutError":          "builtins.TimeoutError",
		"Pyro4.errors.CommunicationError":    "builtins.ConnectionError",
		"Pyro5.errors.ConnectionClosedError": "builtins.ConnectionError",
		"Pyro5.errors.ProtocolError":         "builtins.RuntimeError",
		"Pyro5.errors.MessageTooLargeError":  "builtins.RuntimeError",
		"Pyro5.errors.NamingError":           "Pyro5.errors.NamingError",
		"Pyro5.errors.SerializeError":        "Pyro5.errors.SerializeError",
		"builtins.ValueError":                "builtins.ValueError",
	}
	for class, want := range tests {
		e := transport.NewError(class, "x").Raised()
		require.Equal(t, want, e.Class)
		require.Contains(t, e.Args[0], "x")
	}
	for class, ends := range map[string]bool{"SerializeError": true, "SecurityError": true, "NamingError": false, "ValueError": false} {
		require.Equal(t, ends, transport.NewError(class).EndsConnection(), class)
	}
}

func TestAPanicKeepsItsSecret(t *testing.T) {
	e := transport.NewPanicError("secret", []byte("stack"))
	require.NotContains(t, e.Error(), "secret")
	data, err := serpent.Codec.Append(nil, e, nil)
	require.NoError(t, err)
	require.NotContains(t, string(data), "secret")
	require.NotContains(t, string(data), "stack")
}
