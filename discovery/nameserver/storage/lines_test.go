package storage_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

const good = `{"name":"n","uri":"u","metadata":["m"]}` + "\n"

func TestReadRecordsSaysWhichLineIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"x":                                     "not JSON: invalid character 'x' looking for beginning of value",
		`{"name":"n"`:                           "the line ends in the middle of a record",
		`{"uri":"u"}`:                           `"name" is missing`,
		`{"name":"n","uri":null}`:               `"uri" is missing`,
		`{"name":"n","uri":"u"} {}`:             "more than one record in a line",
		`{"name":1,"uri":"u"}`:                  `"name": got number, wanted a string`,
		`{"name":"n","uri":"u","metadata":1}`:   `"metadata": got number, wanted a list of strings`,
		`{"name":"n","uri":"u","metadata":[1]}`: `"metadata": got number, wanted a list of strings`,
		`{"name":"n","uri":"u","tags":[]}`:      `unknown field "tags"`,
		`{"name":"n","uri":"u","lease":-1}`:     `"lease" is -1 seconds`,
		`{"name":"n","uri":"u","lease":1e300}`:  `"lease" is 1e+300 seconds`,
		`[]`:                                    "got array, wanted an object with name and uri",
		"{\"name\":\"\xff\",\"uri\":\"u\"}":     "not a text in UTF-8",
	} {
		n := 0
		var last error
		for _, err := range storage.ReadRecords(strings.NewReader("\n"+good+text+"\n"+good), nil) {
			n, last = n+1, err
		}
		require.Equal(t, 2, n, text)
		var line *storage.LineError
		require.ErrorAs(t, last, &line, text)
		require.Equal(t, 3, line.Line)
		require.ErrorContains(t, last, want)
	}
}

// Editors of other systems begin a file with a byte order mark.
func TestReadRecordsAfterAByteOrderMark(t *testing.T) {
	n := 0
	for r, err := range storage.ReadRecords(strings.NewReader("\ufeff"+good+good), nil) {
		require.NoError(t, err)
		require.Equal(t, "n", r.Name)
		n++
	}
	require.Equal(t, 2, n)
	for _, err := range storage.ReadRecords(strings.NewReader(good+"\ufeff"+good), nil) {
		if n++; n == 4 {
			require.ErrorContains(t, err, "not JSON")
		}
	}
	require.Equal(t, 4, n)
}

// What comes before an error of reading counts.
func TestReadRecordsEndsWithWhatReadingEndsWith(t *testing.T) {
	broken := errors.New("broken")
	n := 0
	for _, err := range storage.ReadRecords(io.MultiReader(strings.NewReader(good), iotest.ErrReader(broken)), nil) {
		if n++; n == 2 {
			require.ErrorIs(t, err, broken)
			continue
		}
		require.NoError(t, err)
	}
	require.Equal(t, 2, n)
}

func TestReadRecordsSaysWhichLineIsRefused(t *testing.T) {
	refused := errors.New("refused")
	n := 0
	for _, err := range storage.ReadRecords(strings.NewReader(good+good), func(storage.Record) error {
		if n++; n == 2 {
			return refused
		}
		return nil
	}) {
		if n == 1 {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, refused)
		require.EqualError(t, err, "line 2: refused")
	}
	require.Equal(t, 2, n)
}

func TestWriteRecordsRefusesWhatIsNoText(t *testing.T) {
	for _, r := range []storage.Record{
		{Name: "\xff"}, {Name: "a", URI: "\xff"}, {Name: "a", Tags: []string{"\xff"}},
	} {
		s := storage.NewMemory()
		require.NoError(t, s.Put(t.Context(), r, false))
		require.ErrorIs(t, storage.WriteRecords(io.Discard, s.Prefix(t.Context(), "")), storage.ErrNotText)
	}
}
