package service

import (
	"fmt"
	"strings"
	"unicode"
)

// An ExposeOption says how [Of], [Service.Expose], [Single] and its siblings expose the methods of a value.
type ExposeOption interface{ applyToExposed(*exposeConfig) }

// exposeConfig says how methods are exposed.
type exposeConfig struct{ name func(goName string) string }

func newExposeConfig(opts []ExposeOption) *exposeConfig {
	c := &exposeConfig{name: SnakeCase}
	for _, o := range opts {
		o.applyToExposed(c)
	}
	return c
}

// A Naming gives methods that are exposed as they are found the names that callers use; see [Names].
type Naming func(goName string) string

// Names has methods called what name makes of their Go name, instead of [SnakeCase]: [CamelCase], or a function of
// one's own. A method for which it returns "" is not exposed. As a ServerOption it is for the values that [Serve] is
// given, and for nothing else. A nil function changes nothing.
//
//	contents := service.Of(&Warehouse{}, service.Names(service.CamelCase)) // GetContents is getContents
func Names(name func(goName string) string) Naming { return name }

func (n Naming) applyToExposed(c *exposeConfig) {
	if n != nil {
		c.name = n
	}
}

func (n Naming) applyToServer(c *serverConfig) error { //nolint:unparam // others may fail
	c.naming = n
	return nil
}

// method returns the name that a method is exposed by, "" if it is not to be; taken are the names so far and whose
// they are.
func (c *exposeConfig) method(goName string, taken map[string]string) (string, error) {
	name := c.name(goName)
	if name == "" {
		return "", nil
	}
	if other, there := taken[name]; there {
		return "", fmt.Errorf("methods %s and %s would both be named %s", other, goName, name)
	}
	taken[name] = goName
	return name, nil
}

// SnakeCase turns GetHTTPStatus into get_http_status, as Python's style guide (PEP 8) has it.
func SnakeCase(goName string) string {
	r := []rune(goName)
	var b strings.Builder
	for i, c := range r {
		if i > 0 && startsWord(r, i) && r[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// CamelCase turns GetHTTPStatus into getHTTPStatus, and HTTPStatus into httpStatus.
func CamelCase(goName string) string {
	r := []rune(goName)
	first := 0 // the runes that stand before the second word
	for first < len(r) && unicode.IsUpper(r[first]) && (first == 0 || !startsWord(r, first)) {
		first++
	}
	return strings.ToLower(string(r[:first])) + string(r[first:])
}

// startsWord tells the capitals that a word begins with: after what is none, or before what is small.
func startsWord(r []rune, i int) bool {
	return unicode.IsUpper(r[i]) &&
		(!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1]))
}
