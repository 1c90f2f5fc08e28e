package storage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"
	"unicode/utf8"
)

// line is a record as export and import have it.
type line struct {
	Name  *string  `json:"name"`
	URI   *string  `json:"uri"`
	Tags  []string `json:"metadata"`
	Lease float64  `json:"lease,omitempty"` // seconds
}

// WriteRecords writes records as JSON, one a line:
//
//	{"name":"shop.tea","uri":"PYRO:tea@host:1","metadata":["drinks"],"lease":30}
//
// The lease, in seconds, is only there where there is one.
func WriteRecords(w io.Writer, records iter.Seq2[Record, error]) error {
	buffered := bufio.NewWriter(w)
	to := json.NewEncoder(buffered)
	to.SetEscapeHTML(false)
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := CheckText(r); err != nil {
			return err // JSON would have something else in its place
		}
		l := line{Name: &r.Name, URI: &r.URI, Tags: r.Tags, Lease: r.Lease.Seconds()}
		if l.Tags == nil {
			l.Tags = []string{}
		}
		if err := to.Encode(l); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// CheckText returns an error with ErrNotText for a record that is not all UTF-8.
func CheckText(r Record) error {
	switch {
	case !utf8.ValidString(r.Name):
		return fmt.Errorf("name %q: %w", r.Name, ErrNotText)
	case !utf8.ValidString(r.URI):
		return fmt.Errorf("uri %q of %q: %w", r.URI, r.Name, ErrNotText)
	}
	for _, tag := range r.Tags {
		if !utf8.ValidString(tag) {
			return fmt.Errorf("metadata %q of %q: %w", tag, r.Name, ErrNotText)
		}
	}
	return nil
}

// A LineError says which line of JSON lines is not what it should be.
type LineError struct {
	Line int // the first one is 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// ReadRecords yields the records of what WriteRecords wrote. Metadata may be missing; empty lines do not count, nor does
// a byte order mark at the beginning. What check finds wrong with a record is an error of its line; nil finds nothing. After
// the first error, a *LineError where a line is wrong, it yields no more.
func ReadRecords(from io.Reader, check func(Record) error) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := bufio.NewReader(from)
		for number := 1; ; number++ {
			text, err := in.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Record{}, err)
				return
			}
			last := err != nil
			if number == 1 {
				text = bytes.TrimPrefix(text, []byte("\ufeff"))
			}
			if text = bytes.TrimSpace(text); len(text) > 0 {
				r, err := readLine(text)
				if err == nil && check != nil {
					err = check(r)
				}
				if err != nil {
					yield(Record{}, &LineError{Line: number, Err: err})
					return
				}
				if !yield(r, nil) {
					return
				}
			}
			if last {
				return
			}
		}
	}
}

func readLine(text []byte) (Record, error) {
	if !utf8.Valid(text) {
		return Record{}, ErrNotText // JSON would be read with something else in its place
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	var l line
	if err := in.Decode(&l); err != nil {
		return Record{}, notALine(err)
	}
	const longest = float64(math.MaxInt64 / int64(time.Second))
	switch {
	case in.InputOffset() != int64(len(text)):
		return Record{}, errors.New("more than one record in a line")
	case l.Name == nil:
		return Record{}, errors.New(`"name" is missing`)
	case l.URI == nil:
		return Record{}, errors.New(`"uri" is missing`)
	case l.Lease < 0 || l.Lease > longest:
		return Record{}, fmt.Errorf(`"lease" is %v seconds`, l.Lease)
	}
	lease := time.Duration(math.Round(l.Lease * float64(time.Second)))
	return Record{Name: *l.Name, URI: *l.URI, Tags: Tidy(l.Tags), Lease: lease}, nil
}

// notALine says what is wrong with a line without the names of Go's types.
func notALine(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the line ends in the middle of a record")
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("got %s, wanted an object with name and uri", kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("%q: got %s, wanted %s", kind.Field, kind.Value, wantedOf[kind.Field])
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %w", err)
	}
	return err
}

// wantedOf is what the keys of a line hold.
var wantedOf = map[string]string{"name": "a string", "uri": "a string", "metadata": "a list of strings", "lease": "seconds"}
