// Package fastdict has the dicts that name servers send most, made to be written once: in a codec.Dict, each key would cost a
// pointer and an allocation.
package fastdict

// Texts is a dict whose keys and values are texts, in order. No key may stand in it twice.
type Texts []Entry

// An Entry is a key and its value.
type Entry struct{ Key, Value string }

// A URI is the dict that a URI becomes on its way: the instance of a class whose state is a tuple of protocol, object, socket,
// host and port. The three last ones are None where there is no socket, and no host.
type URI struct {
	Class                          string
	Protocol, Object, Socket, Host string
	Port                           int
}
