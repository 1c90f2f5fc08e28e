package cache

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults.
const (
	DefaultSize    = 16 << 20
	DefaultEntries = 10_000
)

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	rules   []rule
	size    int
	entries int
	values  codec.Options
}

type rule struct {
	calls middleware.Pattern
	age   time.Duration
}

// Pure declares methods pure, by their patterns ([middleware.Pattern]), and for how long an answer of theirs
// counts. The first declaration that fits counts; an age of 0 or less makes an exception from those that follow.
func Pure(age time.Duration, patterns ...string) Option {
	return func(c *config) {
		for _, p := range patterns {
			c.rules = append(c.rules, rule{calls: middleware.ParsePattern(p), age: age})
		}
	}
}

// Size is how many bytes of answers are kept, as they are encoded; default 16 MiB. A single answer may take an
// eighth of that. The one unused for longest makes room.
func Size(n int) Option { return func(c *config) { c.size = n } }

// Entries is how many answers are kept; default 10,000.
func Entries(n int) Option { return func(c *config) { c.entries = n } }

// Values is how answers are written on a server and read on a client; it has to be what the server or proxy
// itself is told by service.Classes and its other options about values. The dialect is the peer's.
func Values(o codec.Options) Option { return func(c *config) { c.values = o } }

// New returns the middleware. Who uses it in several places has them share the answers, which is good for
// several proxies only if their objects are the same.
func New(opts ...Option) transport.Middleware {
	cfg := &config{size: DefaultSize, entries: DefaultEntries}
	for _, o := range opts {
		o(cfg)
	}
	cfg.values.ShareInput = false // answers are kept
	m := transport.Middleware{Name: "cache", Order: transport.Order{Inside: []transport.Want{
		{Of: "principal", Why: "answers would reach peers that nobody knows", Must: true},
		{Of: "permission", Why: "answers would reach callers that are not allowed to call", Must: true},
	}}}
	if len(cfg.rules) == 0 {
		return m
	}
	k := &keeper{config: cfg, answers: newAnswers(cfg.entries, cfg.size)}
	m.Call = func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			age := cfg.ageOf(call)
			if age <= 0 {
				return next(ctx, call)
			}
			return k.answer(ctx, call, next, age)
		}
	}
	return m
}

func (c *config) ageOf(call *transport.Call) time.Duration {
	if call.Kind != transport.Invoke || call.Oneway {
		return 0
	}
	for i := range c.rules {
		if c.rules[i].calls.Fits(call.Object, call.Method) {
			return c.rules[i].age
		}
	}
	return 0
}

type keeper struct {
	*config

	answers *answers
}

func (k *keeper) answer(ctx context.Context, call *transport.Call, next transport.Endpoint, age time.Duration) (*transport.Reply, error) {
	var room [256]byte
	key, ok := appendKey(room[:0], call)
	if !ok {
		return next(ctx, call)
	}
	if v, ok := k.answers.get(key, time.Now()); ok {
		return call.Answer(v), nil
	}
	key = slices.Clone(key) // the call's arguments may be gone afterwards, and the room is small
	reply, err := next(ctx, call)
	if err != nil || !worthKeeping(ctx, call, reply) {
		return reply, err
	}
	kept, ok := k.encoded(call, reply.Value)
	if !ok {
		return reply, nil
	}
	k.answers.put(key, kept, time.Now().Add(age))
	if onServer(call) {
		reply.Value = kept // it is not encoded once more
	}
	return reply, nil
}

func worthKeeping(ctx context.Context, call *transport.Call, r *transport.Reply) bool {
	if r == nil || r.Stream != nil || r.StreamID != "" || len(r.Header.Annotations) > 0 {
		return false
	}
	if info := transport.FromContext(ctx); onServer(call) && info != nil && len(info.Response) > 0 {
		return false
	}
	return true
}

// onServer tells at which end call is: on a server its message had a serializer.
func onServer(call *transport.Call) bool { return call.Header.Serializer != 0 }

// encoded returns v in a form that stays, which no reader can change.
func (k *keeper) encoded(call *transport.Call, v codec.Value) (codec.Value, bool) {
	o := k.values
	if !onServer(call) {
		raw, c := v.Raw()
		o.Dialect = v.Dialect()
		return codec.RawValue(bytes.Clone(raw), c, &o), c != nil && len(raw) <= k.size/8
	}
	if call.Peer == nil {
		return codec.Value{}, false
	}
	o.Dialect = call.Peer.Dialect
	name, c := codec.Numbered(uint16(call.Header.Serializer), o.Dialect)
	switch name {
	case "serpent", "json", "marshal", "msgpack":
	default:
		return codec.Value{}, false
	}
	if c == nil {
		return codec.Value{}, false
	}
	raw, err := v.Append(nil, c, &o)
	return codec.RawValue(raw, c, &o), err == nil && len(raw) <= k.size/8
}
