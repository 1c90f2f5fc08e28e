package transport_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/transport"
)

// soldOutError is an error of a shop.
type soldOutError struct {
	Item string
	Left int
}

func (e *soldOutError) Error() string { return "no " + e.Item + " left" }

// closedError has no way back into Go.
type closedError string

func (e closedError) Error() string { return string(e) }

func init() { //nolint:gochecknoinits // registration is for the whole program
	transport.RegisterException(transport.ExceptionClass[*soldOutError]{
		Class: "shop.errors.SoldOut",
		Code:  transport.CodeResourceExhausted,
		Encode: func(e *soldOutError) ([]any, map[string]any) {
			return []any{e.Item}, map[string]any{"left": e.Left}
		},
		Decode: func(e *transport.Error) (*soldOutError, error) {
			if len(e.Args) != 1 {
				return nil, errors.New("want the item")
			}
			item, _ := e.Args[0].(string)
			left, _ := e.Attrs["left"].(int64)
			return &soldOutError{item, int(left)}, nil
		},
	})
	transport.RegisterException(transport.ExceptionClass[closedError]{Class: "shop.errors.Closed"})
}

// over takes an error to the other end and back.
func over(t *testing.T, err error, d codec.Dialect) *transport.Error {
	t.Helper()
	data, encodeErr := serpent.Codec.Append(nil, transport.AsError(err).Raised(), &codec.Options{Dialect: d})
	require.NoError(t, encodeErr)
	var v any
	require.NoError(t, serpent.Codec.Unmarshal(data, &v, nil))
	e, ok := v.(*transport.Error)
	require.True(t, ok, "%T", v)
	return e
}

func TestRegisteredErrorsTravelAsTheirClass(t *testing.T) {
	own := &soldOutError{"tea", 3}
	for name, err := range map[string]error{
		"alone":          own,
		"wrapped":        fmt.Errorf("buy: %w", own),
		"joined":         errors.Join(errors.New("other"), own),
		"with a code":    transport.Wrap(transport.CodeInternal, own),
		"with two codes": fmt.Errorf("a: %w", transport.Wrap(transport.CodeInternal, fmt.Errorf("b: %w", own))),
	} {
		for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			e := over(t, err, d)
			require.Equal(t, "shop.errors.SoldOut", e.Class, name)
			require.Equal(t, []any{"tea"}, e.Args, name)
			require.True(t, e.Remote)
			require.ErrorIs(t, e, transport.ErrExhausted)
			var got *soldOutError
			require.ErrorAs(t, e.During("call buy", "PYRO:shop@h:1", ""), &got, name)
			require.Equal(t, own, got, name)
			require.Equal(t, e.Class, over(t, e, d).Class, "also when it goes on from there")
		}
	}
	chosen := transport.NewError("ValueError", "x")
	require.Equal(t, "builtins.ValueError", over(t, fmt.Errorf("%w: %w", chosen, own), codec.Pyro5).Class, "a class that was chosen stays")
}

func TestRegisteredErrorsWithoutConverters(t *testing.T) {
	e := over(t, closedError("closed on mondays"), codec.Pyro5)
	require.Equal(t, "shop.errors.Closed", e.Class)
	require.Equal(t, "closed on mondays", e.Message)
	require.Equal(t, transport.CodeUnknown, e.Code)
	var own closedError
	require.NotErrorAs(t, e, &own)
}

func TestRegisteredClassesAsPythonSendsThem(t *testing.T) {
	tests := []struct {
		name, dict string
		want       *soldOutError
	}{
		{"an exception", "{'__class__':'shop.errors.SoldOut','__exception__':True,'args':('tea',),'attributes':{'left':2}}", &soldOutError{"tea", 2}},
		{"without a mark", "{'__class__':'shop.errors.SoldOut','args':['tea']}", &soldOutError{"tea", 0}},
		{"one that does not fit", "{'__class__':'shop.errors.SoldOut','__exception__':True,'args':(),'attributes':{}}", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			require.NoError(t, serpent.Codec.Unmarshal([]byte(tt.dict), &v, nil))
			e, ok := v.(*transport.Error)
			require.True(t, ok, "%T", v)
			require.Equal(t, "shop.errors.SoldOut", e.Class)
			var got *soldOutError
			require.Equal(t, tt.want != nil, errors.As(e, &got))
			require.Equal(t, tt.want, got)
		})
	}
}

func TestWhatCannotBeRegistered(t *testing.T) {
	register := func(class string) func() {
		return func() { transport.RegisterException(transport.ExceptionClass[*stackedError]{Class: class}) }
	}
	require.Panics(t, register("SoldOut"))
	require.Panics(t, register("shop.errors.SoldOut"))
	require.Panics(t, func() { transport.RegisterException(transport.ExceptionClass[*soldOutError]{Class: "shop.Other"}) })
	require.Panics(t, func() { transport.RegisterException(transport.ExceptionClass[error]{Class: "shop.Other"}) })
	require.Panics(t, func() { transport.RegisterException(transport.ExceptionClass[*transport.Error]{Class: "shop.Other"}) })
}

// Whether a member is there is one question, whoever answers it.
func TestMembersThatAreNotThereHaveOneCode(t *testing.T) {
	tests := []struct {
		class, text string
		absent      bool
	}{
		{"AttributeError", "attempt to access private attribute '_x'", true},
		{"AttributeError", "attempt to access unexposed attribute 'x'", true},
		{"AttributeError", "attempt to access unexposed or unknown remote attribute 'x'", true},
		{"AttributeError", "'Service' object has no attribute 'x'", true},
		{"AttributeError", "type object 'Service' has no attribute 'x'", true},
		{"AttributeError", "'NoneType' object has no attribute 'y'", false},
		{"ValueError", "has no attribute 'x'", false},
	}
	for _, tt := range tests {
		e := over(t, transport.NewError(tt.class, tt.text), codec.Pyro5)
		e.ForMember("x")
		require.Equal(t, tt.absent, e.NoSuchMember, tt.text)
		require.Equal(t, tt.absent, errors.Is(e, transport.ErrNotFound), tt.text)
	}
}

func TestReceived(t *testing.T) {
	own := transport.NewError("ValueError", "x")
	require.Same(t, own, transport.Received(own))
	plain := transport.Received(closedError("x"))
	require.True(t, plain.Remote)
	var closed closedError
	require.ErrorAs(t, plain, &closed)
	require.Equal(t, "shop.Tea", transport.Received(codec.Object{Class: "shop.Tea"}).Class)
	require.Nil(t, transport.Received(42))
}

// stackedError carries a stack as errors of github.com/pkg/errors do.
type (
	stackedError struct {
		text string
		pcs  frames
	}
	frame  uintptr
	frames []frame
)

func (e *stackedError) Error() string      { return e.text }
func (e *stackedError) StackTrace() frames { return e.pcs }

func TestWrappedErrorsAreNamedWithoutWhatTheMessageLeavesOut(t *testing.T) {
	inner := closedError("closed")
	e := transport.AsError(fmt.Errorf("buy: %w", inner))
	require.Equal(t, []string{"*fmt.wrapError: buy: closed", "transport_test.closedError: closed"}, e.Wrapped())
	discreet := transport.AsError(&secretive{closedError("password")})
	require.Equal(t, []string{"*transport_test.secretive: it failed", "transport_test.closedError"}, discreet.Wrapped())
	require.Empty(t, transport.NewError("ValueError", "x").Wrapped())
	require.NotContains(t, strings.Join(discreet.Wrapped(), ""), "password")
}

// secretive does not say what it wraps.
type secretive struct{ cause error }

func (e *secretive) Error() string { return "it failed" }
func (e *secretive) Unwrap() error { return e.cause }

func TestStacks(t *testing.T) {
	defer func() {
		require.NotNil(t, recover())
		e := transport.NewPanicError("x", nil)
		frames := e.Stack()
		require.NotEmpty(t, frames)
		require.True(t, strings.HasSuffix(frames[0].Function, "transport_test.divide"), frames[0].Function)
	}()
	require.Nil(t, transport.NewError("ValueError").Stack())
	require.Nil(t, transport.AsError(&stackedError{text: "x"}).Stack())
	require.Zero(t, divide(1, 0))
}

//go:noinline
func divide(a, b int) int { return a / b }

// In a pickle nothing but the flag of the reply tells that a call of a class makes an exception.
func TestReceivedCallOfAClassIsAnException(t *testing.T) {
	o := codec.Object{
		Class:     "shop.SoldOut",
		Attrs:     map[string]any{"code": int64(3), "_pyroTraceback": []any{"line"}},
		Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{"nuts", int64(2)}},
	}
	e := transport.Received(o)
	require.Equal(t, "shop.SoldOut", e.Class)
	require.Equal(t, []any{"nuts", int64(2)}, e.Args)
	require.Equal(t, map[string]any{"code": int64(3)}, e.Attrs)
	require.Equal(t, []string{"line"}, e.Traceback)
	require.Equal(t, "('nuts', 2)", e.Message)

	v, err := codec.ConvertDict(codec.NewDict("__class__", "Pyro4.futures._ExceptionWrapper", "exception", o), nil)
	require.NoError(t, err)
	var inBatch *transport.BatchError
	require.IsType(t, inBatch, v)
	inBatch, _ = v.(*transport.BatchError)
	require.Equal(t, "shop.SoldOut", inBatch.Err.Class)
}
