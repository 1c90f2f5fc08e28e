package middleware

import (
	"fmt"

	"github.com/pyrokit/pyrokit/transport"
)

// PrincipalName returns the text that rules know peer's principal by: a string as it is, else what fmt.Sprint
// makes of it; empty if there is none.
func PrincipalName(peer *transport.Peer) string {
	if peer == nil || peer.Principal == nil {
		return ""
	}
	if name, ok := peer.Principal.(string); ok {
		return name
	}
	return fmt.Sprint(peer.Principal)
}
