package validate_test

import (
	"context"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/msgpack"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/validate"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestValues(t *testing.T) {
	tests := []struct {
		name  string
		param validate.Param
		value any
		want  string // part of the error; empty: it is let through
	}{
		{"anything", validate.Param{}, []any{1}, ""},
		{"None is anything", validate.Param{}, nil, ""},
		{"an int", validate.Param{Type: validate.Int}, 5, ""},
		{"a large int", validate.Param{Type: validate.Int, Min: new(0.0)}, new(big.Int).Lsh(big.NewInt(1), 100), ""},
		{"a large int that is too large", validate.Param{Type: validate.Int, Max: new(9.0)}, new(big.Int).Lsh(big.NewInt(1), 100), "at most 9"},
		{"no int", validate.Param{Type: validate.Int}, "5", "TypeError: o.m: argument x must be int, not str"},
		{"a bool is no int", validate.Param{Type: validate.Int}, true, "must be int, not bool"},
		{"a float is no int", validate.Param{Type: validate.Int}, 5.5, "must be int, not float"},
		{"an int is a float", validate.Param{Type: validate.Float}, 5, ""},
		{"too small", validate.Param{Type: validate.Int, Min: new(1.0)}, 0, "ValueError: o.m: argument x must be at least 1"},
		{"too large", validate.Param{Type: validate.Float, Max: new(1.0)}, 1.5, "must be at most 1"},
		{"in range", validate.Param{Type: validate.Float, Min: new(1.0), Max: new(2.0)}, 1.5, ""},
		{"None", validate.Param{Type: validate.Int}, nil, "must be int, not None"},
		{"None is allowed", validate.Param{Type: validate.Int, None: true}, nil, ""},
		{"a text", validate.Param{Type: validate.Str, MaxLen: 3}, "süß", ""},
		{"a long text", validate.Param{Type: validate.Str, MaxLen: 3}, "sweet", "must have at most 3 characters"},
		{"a short text", validate.Param{Type: validate.Str, MinLen: 1}, "", "must have at least 1 characters"},
		{"it matches", validate.Param{Type: validate.Str, Match: regexp.MustCompile(`^[a-z]+$`)}, "abc", ""},
		{"it does not", validate.Param{Type: validate.Str, Match: regexp.MustCompile(`^[a-z]+$`)}, "a1", "does not match ^[a-z]+$"},
		{"a choice", validate.Param{Type: validate.Str, OneOf: []string{"on", "off"}}, "on", ""},
		{"no choice", validate.Param{Type: validate.Str, OneOf: []string{"on", "off"}}, "up", "must be one of on, off"},
		{"bytes", validate.Param{Type: validate.Bytes, MaxLen: 3}, []byte("abc"), ""},
		{"many bytes", validate.Param{Type: validate.Bytes, MaxLen: 2}, []byte("abc"), "at most 2 bytes"},
		{"a list", validate.Param{Type: validate.List, Items: &validate.Param{Type: validate.Int}}, []any{1, 2}, ""},
		{"a list with another item", validate.Param{Type: validate.List, Items: &validate.Param{Type: validate.Int}}, []any{1, "x"}, "each item of argument x must be int, not str"},
		{"a tuple", validate.Param{Type: validate.List, MinLen: 2}, codec.Tuple{1}, "at least 2 items"},
		{"a set", validate.Param{Type: validate.List, Items: &validate.Param{Type: validate.Int}}, codec.NewSet("x"), "each item"},
		{"a dict", validate.Param{Type: validate.Dict, Items: &validate.Param{Type: validate.Int}}, map[string]any{"a": 1}, ""},
		{"a dict with another value", validate.Param{Type: validate.Dict, Items: &validate.Param{Type: validate.Int}}, map[string]any{"a": "x"}, "each item"},
		{"a dict in its order", validate.Param{Type: validate.Dict, MaxLen: 1, Items: &validate.Param{Type: validate.Int}}, codec.NewDict("a", 1), ""},
		{"one with another value", validate.Param{Type: validate.Dict, Items: &validate.Param{Type: validate.Int}}, codec.NewDict("a", 1, "b", "x"), "each item"},
		{"a list is no dict", validate.Param{Type: validate.Dict}, []any{}, "must be dict, not list"},
	}
	for _, tt := range tests {
		tt.param.Name = "x"
		m := validate.New(validate.Calls(validate.Shape{Calls: "o.m", Params: []validate.Param{tt.param}}))
		for end, opts := range map[string][2][]any{"server": {{service.Use(m)}, {}}, "client": {{}, {service.Use(m)}}} {
			for _, serializer := range []string{"serpent", "msgpack"} {
				t.Run(end+"/"+serializer+"/"+tt.name, func(t *testing.T) {
					reached := false
					s := service.New("o").Method("m", func(any) { reached = true })
					server := []service.ServerOption{service.Serializers("serpent", "msgpack")}
					client := []service.ProxyOption{service.Serializer(serializer)}
					for _, o := range opts[0] {
						server = append(server, o.(service.ServerOption))
					}
					for _, o := range opts[1] {
						client = append(client, o.(service.ProxyOption))
					}
					p := pairtest.Join(t, s, server, client...)
					err := service.Do(t.Context(), p, "m", tt.value)
					require.Equal(t, tt.want == "", reached)
					if tt.want == "" {
						require.NoError(t, err)
						return
					}
					require.ErrorContains(t, err, tt.want)
					require.ErrorIs(t, err, transport.ErrInvalidArgument)
				})
			}
		}
	}
}

func TestHowArgumentsAreGiven(t *testing.T) {
	shape := validate.Shape{Calls: "o.m", Params: []validate.Param{
		{Name: "a", Type: validate.Int}, {Name: "b", Type: validate.Int, Optional: true},
	}}
	more := shape
	more.Calls, more.MoreArgs, more.MoreKeywords = "o.more", true, true
	tests := []struct {
		method string
		args   []any
		want   string
	}{
		{"m", []any{1}, ""},
		{"m", []any{1, 2}, ""},
		{"m", []any{service.Kwargs{"a": 1}}, ""},
		{"m", []any{1, service.Kwargs{"b": 2}}, ""},
		{"m", nil, "argument a is missing"},
		{"m", []any{service.Kwargs{"b": 2}}, "argument a is missing"},
		{"m", []any{1, service.Kwargs{"b": "x"}}, "argument b must be int"},
		{"m", []any{1, service.Kwargs{"a": 2}}, "several values for argument a"},
		{"m", []any{1, 2, 3}, "takes at most 2 arguments"},
		{"m", []any{1, service.Kwargs{"d": 1, "c": 1}}, "unexpected keyword arguments c, d"},
		{"more", []any{1, 2, "x", service.Kwargs{"c": 1}}, ""},
		{"other", []any{"x"}, ""},
	}
	m := validate.New(validate.Calls(shape, more))
	end := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	for _, tt := range tests {
		call := &transport.Call{Object: "o", Method: tt.method}
		for _, a := range tt.args {
			if kw, ok := a.(service.Kwargs); ok {
				call.Args.Keywords = kw
				continue
			}
			call.Args.Positional = append(call.Args.Positional, a)
		}
		check := func(err error) {
			t.Helper()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		}
		_, err := end(t.Context(), call)
		check(err)
		for _, name := range []string{"serpent", "msgpack", "json", "marshal"} { // as a server gets them
			c, err := codec.Named(name)
			require.NoError(t, err)
			payload, err := c.AppendCall(nil, "o", tt.method, call.Args.Positional, false, call.Args.Keywords, nil)
			require.NoError(t, err)
			h, err := c.OpenCall(payload, nil)
			require.NoError(t, err)
			_, err = end(t.Context(), &transport.Call{Object: "o", Method: tt.method, Args: transport.EncodedArgs(h, c, nil)})
			check(err)
		}
		_, err = end(t.Context(), &transport.Call{
			Kind: transport.Batch, Object: "o", Method: transport.BatchMethod,
			Entries: []codec.BatchEntry{{Method: "other"}, {Method: tt.method, Args: call.Args.Positional, Kwargs: call.Args.Keywords}},
		})
		check(err)
	}
}

func TestWhatIsLookedAt(t *testing.T) {
	m := validate.New(validate.Calls(validate.Shape{Calls: "o.rate", Params: []validate.Param{{Name: "value", Type: validate.Float, Max: new(1.0)}}}))
	rate := 0.5
	s := service.New("o").Property("rate", func() float64 { return rate }, func(v float64) { rate = v })
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(m)})
	require.NoError(t, service.Set(t.Context(), p, "rate", 0.7))
	require.ErrorContains(t, service.Set(t.Context(), p, "rate", 7), "at most 1")
	got, err := service.Get[float64](t.Context(), p, "rate")
	require.NoError(t, err)
	require.InDelta(t, 0.7, got, 0)
	_, err = m.Call(nil)(t.Context(), &transport.Call{Object: "o", Method: "rate", Args: transport.Args{Positional: []any{math.NaN()}}})
	require.ErrorContains(t, err, "is not a number")
	require.Nil(t, validate.New().Call, "nothing is declared: it costs nothing")
}

func TestValuesThatArriveAsSomethingElse(t *testing.T) {
	m := validate.New(validate.Calls(validate.Shape{Calls: "m", Params: []validate.Param{{Name: "x", Type: validate.Int}}}))
	end := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	n := 5
	for _, v := range []any{time.Second, codec.Global("a.b"), struct{}{}, (*int)(nil), func() {}, &struct{}{}} {
		_, err := end(t.Context(), &transport.Call{Method: "m", Args: transport.Args{Positional: []any{v}}})
		require.ErrorContains(t, err, "an object of another type")
	}
	for _, v := range []any{&n, uint8(5), codec.ValueOf(5)} {
		_, err := end(t.Context(), &transport.Call{Method: "m", Args: transport.Args{Positional: []any{v}}})
		require.NoError(t, err)
	}
}

func BenchmarkCheck(b *testing.B) {
	m := validate.New(validate.Calls(validate.Shape{Calls: "o.m", Params: []validate.Param{{Name: "a", Type: validate.Int}, {Name: "b", Type: validate.Str, MaxLen: 100}}}))
	reply := &transport.Reply{}
	end := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil })
	c, err := codec.Named("serpent")
	require.NoError(b, err)
	payload, err := c.AppendCall(nil, "o", "m", []any{5, strings.Repeat("x", 50)}, false, nil, nil)
	require.NoError(b, err)
	h, err := c.OpenCall(payload, nil)
	require.NoError(b, err)
	call := &transport.Call{Object: "o", Method: "m", Args: transport.EncodedArgs(h, c, nil)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := end(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
