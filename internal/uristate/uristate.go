// Package uristate has what becomes of a URI on its way: nothing is sent as often by a name server, and as a codec.Dict
// it took ten allocations.
package uristate

// A State is the instance of a class whose state is a tuple: protocol, object, socket, host, port. The three last ones are None
// where there is no socket, and no host.
type State struct {
	Class                          string
	Protocol, Object, Socket, Host string
	Port                           int
}
