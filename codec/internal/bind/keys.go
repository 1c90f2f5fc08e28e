package bind

// A KeyCache remembers keys, so that those of many like dicts are made once.
type KeyCache [64]string

// Text returns b as a string.
func (c *KeyCache) Text(b []byte) string {
	if len(b) == 0 || len(b) > 32 {
		return string(b)
	}
	slot := &c[(len(b)*7+int(b[0])*31+int(b[len(b)-1]))%len(c)]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
