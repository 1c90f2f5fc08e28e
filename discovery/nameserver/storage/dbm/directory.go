package dbm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// span is where FILE.dat has a value.
type span struct {
	at, size int64
}

// parseDirectory reads FILE.dir. Each line is a key, as Python writes a text of Latin-1 with a character for each of
// the key's bytes, and where its value is:
//
//	'shop.tea', (512, 20)
//
// Of a key that is there twice, the last line counts. size is FILE.dat's.
func parseDirectory(text []byte, size int64) (map[string]span, error) {
	spans := map[string]span{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		key, at, err := parseLine(bytes.TrimRight(line, " \t\r\n"))
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", number, err)
		case at.at > size || at.size > size-at.at:
			return nil, fmt.Errorf("line %d: the value of %q lies behind the end", number, key)
		}
		spans[key] = at
	}
	return spans, nil
}

func parseLine(line []byte) (key string, at span, err error) {
	key, rest, err := parseKey(line)
	if err != nil {
		return "", span{}, err
	}
	inner, opened := strings.CutPrefix(strings.TrimLeft(string(rest), ", "), "(")
	inner, closed := strings.CutSuffix(inner, ")")
	first, second, both := strings.Cut(inner, ",")
	if !opened || !closed || !both {
		return "", span{}, errors.New("not a key and the place of its value")
	}
	if at.at, err = parseSize(first); err != nil {
		return "", span{}, err
	}
	at.size, err = parseSize(second)
	return key, at, err
}

func parseSize(digits string) (int64, error) {
	n, err := strconv.ParseUint(strings.Trim(digits, " "), 10, 63)
	return int64(n), err
}

// escapes are those that Python's repr writes, and their like.
var escapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 'r': '\r', 't': '\t', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v',
}

// parseKey reads a Python string, of characters of one byte each.
func parseKey(line []byte) (key string, rest []byte, err error) {
	if len(line) == 0 || line[0] != '\'' && line[0] != '"' {
		return "", nil, errors.New("it does not begin with a key")
	}
	quote := line[0]
	var b []byte
	for i := 1; i < len(line); i++ {
		c := line[i]
		if c == quote {
			return string(b), line[i+1:], nil
		}
		if c != '\\' {
			b = append(b, c)
			continue
		}
		if i++; i == len(line) {
			break
		}
		if plain, known := escapes[line[i]]; known {
			b = append(b, plain)
			continue
		}
		if line[i] != 'x' || len(line) < i+3 {
			return "", nil, fmt.Errorf("unknown escape \\%c in a key", line[i])
		}
		n, err := strconv.ParseUint(string(line[i+1:i+3]), 16, 8)
		if err != nil {
			return "", nil, err
		}
		b = append(b, byte(n))
		i += 2
	}
	return "", nil, errors.New("a key does not end")
}

// formatDirectory writes FILE.dir, in the order of the keys.
func formatDirectory(spans map[string]span) []byte {
	keys := make([]string, 0, len(spans))
	for key := range spans {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var b []byte
	for _, key := range keys {
		b = formatKey(b, key)
		b = append(b, ", ("...)
		b = strconv.AppendInt(b, spans[key].at, 10)
		b = append(b, ", "...)
		b = strconv.AppendInt(b, spans[key].size, 10)
		b = append(b, ")\n"...)
	}
	return b
}

func formatKey(b []byte, key string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '\'')
	for _, c := range []byte(key) {
		switch {
		case c == '\'' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '\'')
}
