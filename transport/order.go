package transport

import "slices"

// An End is a side of a conversation.
type End uint8

// The ends.
const (
	AnyEnd End = iota
	ServerEnd
	ClientEnd // that of a proxy
)

// String returns "server", "proxy" or "any end".
func (e End) String() string {
	switch e {
	case ServerEnd:
		return "server"
	case ClientEnd:
		return "proxy"
	default:
		return "any end"
	}
}

// An Order says what a middleware wants of the chain that it stands in. The zero value wants nothing. What
// middlewares give and want has names that they agree on; those of this module are "principal" (who the peer
// is), "permission" (that the call is allowed), "correlation" (an id of the call), "span" (of a trace), "turn" (of
// a rate limit, which the call has waited for), "place" (of a concurrency limit) and "attempt" (of several that a call may take).
type Order struct {
	// End is the only end at which it has a meaning.
	End End
	// Gives is what it gives those inside of it.
	Gives []string
	// Needs has to be given by one outside of it.
	Needs []Want
	// Inside names what has to be given outside of it where the chain gives it at all.
	Inside []Want
	// Outermost says that others belong inside of it; not so only is a warning.
	Outermost bool
	// Once is what a chain has one of at most: of several with the same text all but the first are mistakes.
	Once string
}

// A Want is something that a middleware wants to be given.
type Want struct {
	Of   string // as in Gives
	Why  string // what is wrong without it
	Must bool   // without it the chain is refused; else it is a warning
}

// A MisplacedError is a middleware that does not stand where its Order wants it to.
type MisplacedError struct {
	Index int    // its place in the chain, from 0
	Name  string // its name
	Text  string // what is wrong
	Fatal bool   // the chain must not be used; else it is a warning
}

// Error names the middleware and says what is wrong.
func (m *MisplacedError) Error() string { return m.Name + ": " + m.Text }

// CheckOrder returns what is wrong with the order of a chain at an end, in the order of the chain. given is what
// is given from outside of it. A middleware that [Chain] made of several is not looked into.
func CheckOrder(end End, chain []Middleware, given ...string) []*MisplacedError {
	c := orderCheck{end: end, chain: chain, given: given}
	for i := range chain {
		c.check(i)
	}
	return c.found
}

type orderCheck struct {
	end   End
	chain []Middleware
	given []string
	found []*MisplacedError
}

func (c *orderCheck) report(i int, fatal bool, text string) {
	c.found = append(c.found, &MisplacedError{Index: i, Name: c.chain[i].Name, Text: text, Fatal: fatal})
}

func (c *orderCheck) check(i int) {
	o := &c.chain[i].Order
	if o.End != AnyEnd && c.end != AnyEnd && o.End != c.end {
		c.report(i, true, "has no meaning on a "+c.end.String())
		return
	}
	if first := c.find(func(m *Middleware) bool { return o.Once != "" && m.Order.Once == o.Once }); first >= 0 && first < i {
		c.report(i, true, "does not go together with "+c.chain[first].Name+": a chain has one "+o.Once)
	}
	if o.Outermost && i > 0 && !c.chain[i-1].Order.Outermost {
		c.report(i, false, "belongs outside of "+c.chain[i-1].Name)
	}
	for _, w := range o.Needs {
		c.want(i, w, true)
	}
	for _, w := range o.Inside {
		c.want(i, w, false)
	}
}

// want checks that w is given outside of the middleware at i.
func (c *orderCheck) want(i int, w Want, needed bool) {
	if slices.Contains(c.given, w.Of) {
		return
	}
	giver := c.find(func(m *Middleware) bool { return slices.Contains(m.Order.Gives, w.Of) })
	switch {
	case giver < 0 && needed:
		c.report(i, w.Must, "nothing in the chain gives "+w.Of+": "+w.Why)
	case giver > i:
		c.report(i, w.Must, "belongs inside of "+c.chain[giver].Name+": "+w.Why)
	}
}

// find returns the first middleware that is so, or -1.
func (c *orderCheck) find(so func(*Middleware) bool) int {
	for i := range c.chain {
		if so(&c.chain[i]) {
			return i
		}
	}
	return -1
}
