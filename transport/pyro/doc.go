// Package pyro speaks the Pyro protocol in its two living dialects, Pyro4 (wire 48) and Pyro5 (wire
// 502): URIs, frames, the client's side of a connection ([Dial], [Conn]) and the server's ([Server]).
//
// One [Server] answers both dialects on the same port by the version in the first six bytes; [Dial]
// finds out what an address speaks and remembers it. The package turns messages into
// [transport.Call] and back. It knows neither Go functions nor objects, and no name server: a URI
// that it dials has a location.
package pyro
