package logging

import "github.com/pyrokit/pyrokit/transport"

// decoded returns the arguments as Go values, decoding them where they are encoded.
func decoded(call *transport.Call) ([]any, map[string]any, error) {
	args := &call.Args
	if !args.Encoded() {
		if args.Keywords.IsNone() {
			return args.Positional, nil, nil
		}
		return args.Positional, args.Keywords, nil
	}
	var sink generic
	if err := args.Decode(&sink); err != nil {
		return nil, nil, err
	}
	if call.Kind == transport.SetAttr && len(sink.positional) > 0 {
		sink.positional = sink.positional[1:] // the attribute's name is encoded before its value
	}
	positional := make([]any, len(sink.positional))
	for i, v := range sink.positional {
		positional[i] = *v
	}
	keywords := make(map[string]any, len(sink.keywords))
	for name, v := range sink.keywords {
		keywords[name] = *v
	}
	return positional, keywords, nil
}

// generic takes arguments of whatever type.
type generic struct {
	positional []*any
	keywords   map[string]*any
}

func (g *generic) Positional(int) (any, error) {
	v := new(any)
	g.positional = append(g.positional, v)
	return v, nil
}

func (g *generic) Keyword(name []byte) (any, error) {
	if g.keywords == nil {
		g.keywords = map[string]*any{}
	}
	v := new(any)
	g.keywords[string(name)] = v
	return v, nil
}

// None stands for no arguments.
func (g *generic) None(bool) error { return nil }
