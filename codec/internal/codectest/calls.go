package codectest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// A sink collects arguments in the types that it is told.
type sink struct {
	pos    []any // pointers
	kw     map[string]any
	nones  []bool
	refuse error
}

func (s *sink) Positional(i int) (any, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	if i >= len(s.pos) {
		return nil, fmt.Errorf("too many arguments: %d", i+1)
	}
	return s.pos[i], nil
}

func (s *sink) Keyword(name []byte) (any, error) {
	p, ok := s.kw[string(name)]
	if !ok {
		return nil, errors.New("no keyword " + string(name))
	}
	return p, nil
}

func (s *sink) None(keywords bool) error {
	s.nones = append(s.nones, keywords)
	return nil
}

func calls(t *testing.T, c codec.Codec) {
	payload, err := c.AppendCall([]byte("front"), "obj", "buy", []any{"tea", []int{1, 2}}, false, codec.Kwargs{"count": 3, "at": 1.5}, nil)
	require.NoError(t, err)
	require.Equal(t, "front", string(payload[:5]))
	payload = payload[5:]
	h, err := c.OpenCall(payload, nil)
	require.NoError(t, err)
	require.Equal(t, "obj", string(h.Object))
	require.Equal(t, "buy", string(h.Method))
	var (
		what  string
		list  []int
		count int
		at    float64
	)
	s := &sink{pos: []any{&what, &list}, kw: map[string]any{"count": &count, "at": &at}}
	require.NoError(t, c.DecodeArgs(h, s, nil))
	require.Equal(t, "tea", what)
	require.Equal(t, []int{1, 2}, list)
	require.Equal(t, 3, count)
	require.InDelta(t, 1.5, at, 0)
	require.Empty(t, s.nones)

	wrong := &sink{pos: []any{&what, &[]string{}}, kw: s.kw}
	require.ErrorContains(t, c.DecodeArgs(h, wrong, nil), "args[1][0]: want string, found int")
	wrong = &sink{pos: s.pos, kw: map[string]any{"count": &what, "at": &what}}
	require.ErrorContains(t, c.DecodeArgs(h, wrong, nil), "kwargs.at: want string, found float")
	stop := errors.New("stop")
	require.ErrorIs(t, c.DecodeArgs(h, &sink{refuse: stop}, nil), stop)

	payload, err = c.AppendCall(nil, "o", "__getattr__", []any{"x"}, true, codec.NoKwargs, nil)
	require.NoError(t, err)
	h, err = c.OpenCall(payload, nil)
	require.NoError(t, err)
	s = &sink{pos: []any{&what}}
	require.NoError(t, c.DecodeArgs(h, s, nil))
	require.Equal(t, []bool{true}, s.nones)

	escaped := "a\\b'\"\n☃"
	payload, err = c.AppendCall(nil, escaped, escaped, nil, false, nil, nil)
	require.NoError(t, err)
	h, err = c.OpenCall(payload, nil)
	require.NoError(t, err)
	require.Equal(t, escaped, string(h.Object))
	require.Equal(t, escaped, string(h.Method))
	require.NoError(t, c.DecodeArgs(h, &sink{}, nil))

	_, err = c.AppendCall(nil, "o", "m", []any{1, func() {}}, false, nil, nil)
	require.ErrorContains(t, err, "args[1]")
	_, err = c.AppendCall(nil, "o", "m", nil, false, codec.Kwargs{"f": func() {}}, nil)
	require.ErrorContains(t, err, "kwargs.f")

	for _, v := range []any{nil, 1, "text", []any{"o"}, []any{"o", "m", []any{}}, []any{1, "m", []any{}, nil}, codec.NewDict()} {
		data, err := c.Append(nil, v, nil)
		require.NoError(t, err)
		h, err := c.OpenCall(data, nil)
		if err == nil {
			err = c.DecodeArgs(h, &sink{}, nil)
		}
		require.Error(t, err, "%q", data)
	}
}

func batches(t *testing.T, c codec.Codec) {
	payload, err := c.AppendBatch(nil, "obj", []codec.BatchEntry{
		{Method: "add", Args: []any{1, 2}},
		{Method: "it's", Args: []any{"x"}, Kwargs: codec.Kwargs{"k": 5}},
	}, nil)
	require.NoError(t, err)
	h, err := c.OpenCall(payload, nil)
	require.NoError(t, err)
	require.Equal(t, "obj", string(h.Object))
	require.Equal(t, "<batch>", string(h.Method))
	var (
		a, b, k int
		x       string
		methods []string
	)
	sinks := []*sink{{pos: []any{&a, &b}}, {pos: []any{&x}, kw: map[string]any{"k": &k}}}
	for e, err := range c.OpenBatch(h, nil) {
		require.NoError(t, err)
		require.NoError(t, c.DecodeArgs(e, sinks[len(methods)], nil))
		methods = append(methods, string(e.Method))
	}
	require.Equal(t, []string{"add", "it's"}, methods)
	require.Equal(t, [3]int{1, 2, 5}, [3]int{a, b, k})
	require.Equal(t, "x", x)

	for _, err := range c.OpenBatch(h, nil) {
		require.NoError(t, err)
		break // must not yield again
	}
	empty, err := c.AppendBatch(nil, "obj", nil, nil)
	require.NoError(t, err)
	h, err = c.OpenCall(empty, nil)
	require.NoError(t, err)
	for e, err := range c.OpenBatch(h, nil) {
		t.Fatal("an entry in an empty batch", e, err)
	}
	for _, args := range [][]any{{1}, {[]any{"m"}}, {[]any{"m", []any{}}}, {[]any{1, []any{}, codec.NewDict()}}, {"text"}} {
		payload, err := c.AppendCall(nil, "o", "<batch>", args, false, codec.NoKwargs, nil)
		require.NoError(t, err)
		h, err := c.OpenCall(payload, nil)
		require.NoError(t, err)
		for _, err = range c.OpenBatch(h, nil) {
			if err != nil {
				break
			}
		}
		require.Error(t, err, "%v", args)
	}
}

type dog struct {
	Name string `pyro:"name"`
	Legs int    `pyro:"legs"`
}

type cat struct{ name string }

type home struct {
	Pet  *cat  `pyro:"pet"`
	Why  error `pyro:"why"`
	Else any   `pyro:"else"`
}

func classes(t *testing.T, c codec.Codec, can Abilities) {
	r := codec.NewRegistry()
	codec.RegisterType[dog](r, "zoo.Dog")
	var made *cat
	r.RegisterDecoder("zoo.Cat", func(_ string, attrs *codec.Dict) (any, error) {
		name, _ := attrs.Get("name")
		s, ok := name.(string)
		if !ok {
			return nil, errors.New("a cat needs a name")
		}
		made = &cat{s}
		return made, nil
	})
	r.RegisterFallback(func(class string, attrs *codec.Dict) (any, bool, error) {
		if marked, _ := attrs.Get("__exception__"); marked != true {
			return nil, false, nil
		}
		return errors.New(class), true, nil
	})
	o := &codec.Options{Registry: r, PickleCalls: true} // the exception below is of no class that is known to be harmless
	encode := func(v any) []byte {
		t.Helper()
		data, err := c.Append(nil, v, o)
		require.NoError(t, err)
		return data
	}

	var v any
	data := encode([]any{&dog{"Rex", 4}, dog{"Bo", 3}})
	require.NoError(t, c.Unmarshal(data, &v, o))
	require.Equal(t, []any{dog{"Rex", 4}, dog{"Bo", 3}}, v)
	var dogs []*dog
	require.NoError(t, c.Unmarshal(data, &dogs, o))
	require.Equal(t, []*dog{{"Rex", 4}, {"Bo", 3}}, dogs)
	require.NoError(t, c.Unmarshal(data, &v, nil))
	require.Equal(t, codec.Object{Class: "zoo.Dog", Attrs: map[string]any{"name": "Rex", "legs": int64(4)}}, v.([]any)[0])
	again := encode(v)
	require.NoError(t, c.Unmarshal(again, &dogs, o))
	require.Equal(t, "Rex", dogs[0].Name)

	tom := encode(codec.NewDict("name", "Tom", "__class__", "zoo.Cat"))
	var p *cat
	require.NoError(t, c.Unmarshal(tom, &p, o))
	require.Equal(t, "Tom", p.name)
	require.Same(t, made, p)
	var q cat
	require.NoError(t, c.Unmarshal(tom, &q, o))
	require.Equal(t, "Tom", q.name)
	var plain struct {
		Name string `pyro:"name"`
	}
	require.NoError(t, c.Unmarshal(tom, &plain, o)) // what the decoder makes does not fit
	require.Equal(t, "Tom", plain.Name)
	var befriended struct {
		Friend any `pyro:"friend"`
	}
	mog := codec.NewDict("__class__", "zoo.Cat", "name", "Mog")
	withFriend := encode(codec.NewDict("__class__", "zoo.Cat", "name", "Tom", "friend", mog))
	require.NoError(t, c.Unmarshal(withFriend, &befriended, o))
	if can.InsideOut {
		require.Equal(t, &cat{"Mog"}, befriended.Friend)
	} else {
		require.IsType(t, &codec.Dict{}, befriended.Friend)
	}
	var obj codec.Object
	require.NoError(t, c.Unmarshal(tom, &obj, o))
	require.Equal(t, "zoo.Cat", obj.Class)
	var m map[string]any
	require.NoError(t, c.Unmarshal(tom, &m, o))
	require.Equal(t, map[string]any{"name": "Tom", "__class__": "zoo.Cat"}, m)

	var exc error
	require.NoError(t, c.Unmarshal(encode(codec.NewDict("__class__", "builtins.ValueError", "__exception__", true)), &exc, o))
	require.EqualError(t, exc, "builtins.ValueError")
	require.ErrorContains(t, c.Unmarshal(tom, &exc, o), "want error")

	var class *codec.ClassError
	err := c.Unmarshal(encode(codec.NewDict("__class__", "zoo.Cat")), &v, o)
	require.ErrorAs(t, err, &class)
	require.Equal(t, "zoo.Cat", class.Class)
	if !can.ClassNames {
		require.ErrorAs(t, c.Unmarshal(encode(codec.NewDict("__class__", 5)), &v, o), &class)
	}

	// A field's type asks for its class, on every way to it.
	codec.RegisterType[home](r, "zoo.Home")
	tomDict := codec.NewDict("__class__", "zoo.Cat", "name", "Tom")
	data = encode(codec.NewDict("__class__", "zoo.Home", "pet", tomDict, "else", tomDict,
		"why", codec.NewDict("__class__", "zoo.Fire", "__exception__", true, "args", codec.Tuple{},
			"attributes", codec.NewDict("_pyroTraceback", nil))))
	require.NoError(t, c.Unmarshal(data, &v, o))
	var typed home
	require.NoError(t, c.Unmarshal(data, &typed, o))
	for _, h := range []home{v.(home), typed} {
		require.Equal(t, &cat{"Tom"}, h.Pet)
		require.EqualError(t, h.Why, "zoo.Fire")
	}

	nested := encode(codec.NewDict("__class__", "zoo.Pair", "inner", codec.NewDict("__class__", "zoo.Cat", "name", "In")))
	require.NoError(t, c.Unmarshal(nested, &v, o))
	if can.InsideOut {
		require.Equal(t, &cat{"In"}, v.(codec.Object).Attrs["inner"])
		require.NoError(t, c.Unmarshal(nested, &obj, o))
		require.Equal(t, codec.Object{Class: "zoo.Pair", Attrs: map[string]any{"inner": &cat{"In"}}}, obj)
		return
	}
	// Within an instance nothing is converted, unless asked for.
	require.IsType(t, &codec.Dict{}, v.(codec.Object).Attrs["inner"])
	r.RegisterDecoder("zoo.Pair", func(_ string, attrs *codec.Dict) (any, error) {
		inner, _ := attrs.Get("inner")
		d, _ := inner.(*codec.Dict)
		return codec.ConvertDict(d, nil)
	})
	require.NoError(t, c.Unmarshal(nested, &v, o))
	require.Equal(t, &cat{"In"}, v)
}

func limits(t *testing.T, c codec.Codec) {
	deep := func(n int) any {
		var v any
		for range n {
			v = []any{v}
		}
		return v
	}
	data, err := c.Append(nil, deep(200), nil)
	require.NoError(t, err)
	var v any
	require.NoError(t, c.Unmarshal(data, &v, nil))
	type list []list
	var l list
	require.NoError(t, c.Unmarshal(data, &l, nil))
	var limit *codec.LimitError
	shallow := &codec.Options{MaxDepth: 199}
	require.ErrorAs(t, c.Unmarshal(data, &v, shallow), &limit)
	require.ErrorAs(t, c.Unmarshal(data, &l, shallow), &limit)
	require.ErrorAs(t, c.Unmarshal(data, &codec.Value{}, shallow), &limit)
	_, err = c.Append(nil, deep(200), shallow)
	require.ErrorAs(t, err, &limit)
}

func values(t *testing.T, c codec.Codec) {
	var v codec.Value
	data, err := c.Append(nil, []any{1, codec.NewDict("a", "it's\n")}, nil)
	require.NoError(t, err)
	var parts []codec.Value
	require.NoError(t, c.Unmarshal(data, &parts, nil))
	out, err := c.Append(nil, codec.Tuple{parts[1], codec.RawValue(data, c, nil), codec.ValueOf(7)}, nil)
	require.NoError(t, err)
	var got []any
	require.NoError(t, c.Unmarshal(out, &got, nil))
	require.Equal(t, []any{map[string]any{"a": "it's\n"}, []any{int64(1), map[string]any{"a": "it's\n"}}, int64(7)}, got)
	require.NoError(t, c.Unmarshal(data, &v, nil))
	var list []any
	require.NoError(t, v.Decode(&list))
	require.Len(t, list, 2)
}

// Every prefix of a value is an error, never a panic.
func truncated(t *testing.T, c codec.Codec) {
	payload, err := c.AppendCall(nil, "obj", "méthod", []any{sampleTree(), "é\n'"}, false, codec.Kwargs{"k": 1.5, "l": nil}, nil)
	require.NoError(t, err)
	for i := range payload {
		var v any
		err := c.Unmarshal(payload[:i], &v, nil)
		require.Error(t, err, "%q", payload[:i])
		var e everything
		require.Error(t, c.Unmarshal(payload[:i], &e, nil))
		if h, err := c.OpenCall(payload[:i], nil); err == nil {
			var a, b, k, l any
			err = c.DecodeArgs(h, &sink{pos: []any{&a, &b}, kw: map[string]any{"k": &k, "l": &l}}, nil)
			require.Error(t, err, "%q", payload[:i])
		}
	}
	require.NotContains(t, strings.ToLower(string(payload)), "panic")
}

func sampleTree() any {
	return map[string]any{"list": []any{1, 2.5, "three", nil, true}, "dict": map[string]any{"a": codec.Tuple{1}}}
}
