// Package fastdict has the dicts that name servers send most, made to be written once: in a codec.Dict, each key would cost a
// pointer and an allocation.
package fastdict

import (
	"iter"
	"strings"
)

// Texts is a dict whose keys and values are texts, in order. It is kept in parts, so that a long one is never copied to grow,
// which would make several times its memory of garbage. The zero value is empty.
type Texts struct {
	parts [][]entry
	n     int
}

type entry struct{ key, value string }

const firstPart, mostPart = 16, 1024 // entries

// Add appends a key, which may not stand in the dict yet, and its value.
func (t *Texts) Add(key, value string) {
	last := len(t.parts) - 1
	if last < 0 || len(t.parts[last]) == cap(t.parts[last]) {
		t.parts = append(t.parts, make([]entry, 0, min(max(t.n, firstPart), mostPart)))
		last++
	}
	t.parts[last] = append(t.parts[last], entry{key, value})
	t.n++
}

// Len returns the number of keys.
func (t *Texts) Len() int { return t.n }

// All yields keys and values.
func (t *Texts) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, part := range t.parts {
			for _, e := range part {
				if !yield(e.key, e.value) {
					return
				}
			}
		}
	}
}

// A URI is the dict that a URI becomes on its way: an instance of the dialect's class, whose state is a tuple of protocol,
// object, socket, host and port. The three last ones are None where there is no socket, and no host.
type URI struct {
	Protocol, Object, Socket, Host string
	Port                           int
}

// URIClasses are the names of the class in Pyro4 and Pyro5.
var URIClasses = [...]string{"Pyro4.core.URI", "Pyro5.core.URI"}

// A PlainURI is the text of a URI of the commonest form: PYRO:object@host:port in ASCII, with nothing that could be read in
// two ways. It stands for the same dict as a URI.
type PlainURI string

const protocol = "PYRO"

// Plain returns text as a PlainURI, if it is of that form; others may be URIs, too.
func Plain(text string) (u PlainURI, ok bool) {
	const object = len(protocol) + 1
	if len(text) < object || text[:object] != protocol+":" {
		return "", false
	}
	at, colon := strings.IndexByte(text, '@'), strings.LastIndexByte(text, ':')
	digits := text[colon+1:]
	ok = at > object && colon > at+1 && len(digits) > 0 && len(digits) <= 5 &&
		all(text[object:at], isGraphic) && all(text[at+1:colon], isOfHost) && all(digits, isDigit)
	return PlainURI(text), ok
}

// URI returns the same in parts.
func (u PlainURI) URI() URI {
	at, colon := strings.IndexByte(string(u), '@'), strings.LastIndexByte(string(u), ':')
	port := 0
	for _, digit := range []byte(u[colon+1:]) {
		port = 10*port + int(digit-'0')
	}
	return URI{Protocol: protocol, Object: string(u[len(protocol)+1 : at]), Host: string(u[at+1 : colon]), Port: port}
}

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isGraphic(c byte) bool { return c > ' ' && c < 0x7f }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isOfHost leaves out what addresses of IPv6 and unix sockets have.
func isOfHost(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.' || c == '-' || c == '_'
}
