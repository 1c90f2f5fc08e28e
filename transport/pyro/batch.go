package pyro

import (
	"fmt"

	"github.com/pyrokit/pyrokit/transport"
)

// checkBatch refuses a batch that calls what the metadata does not have: the server would carry out what
// comes before it. What is declared one-way is called like the rest, as in Pyro.
func (c *Client) checkBatch(l *link, call *transport.Call) error {
	if c.unchecked {
		return nil
	}
	for i := range call.Entries {
		name := call.Entries[i].Method
		if m, known := l.members[name]; !known || m.attr {
			op := fmt.Sprintf("call %s (%d of %d in a batch)", name, i+1, len(call.Entries))
			return l.noMember(name, m, known).During(op, l.uri.String(), l.peer.String())
		}
	}
	return nil
}
