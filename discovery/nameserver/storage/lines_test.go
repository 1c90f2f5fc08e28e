package storage_test

import (
	"context"
	"errors"
	"fmt"
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
		for _, err := range storage.ReadRecords(strings.NewReader("\n" + good + text + "\n" + good)) {
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
	for r, err := range storage.ReadRecords(strings.NewReader("\ufeff" + good + good)) {
		require.NoError(t, err)
		require.Equal(t, "n", r.Name)
		n++
	}
	require.Equal(t, 2, n)
	for _, err := range storage.ReadRecords(strings.NewReader(good + "\ufeff" + good)) {
		if n++; n == 4 {
			require.ErrorContains(t, err, "not JSON")
		}
	}
	require.Equal(t, 4, n)
}

func TestImportStoresWhatComesBeforeAnError(t *testing.T) {
	var text strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&text, "{\"name\":\"n%04d\",\"uri\":\"u\"}\n", i)
	}
	for what, s := range map[string]storage.Storage{"batch": storage.NewMemory(), "single": single{storage.NewMemory()}} {
		n, err := storage.Import(t.Context(), strings.NewReader(text.String()+"oops\n"+good), s)
		require.Equal(t, 2500, n, what)
		require.ErrorContains(t, err, "line 2501: ")
		require.ErrorContains(t, err, "(2500 records before it are stored)")
		there, err := s.Len(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2500, there)
	}
	broken := errors.New("broken")
	s := storage.NewMemory()
	n, err := storage.Import(t.Context(), io.MultiReader(strings.NewReader(good), iotest.ErrReader(broken)), s)
	require.ErrorIs(t, err, broken)
	require.Equal(t, 1, n)
	require.NoError(t, s.Close())
	n, err = storage.Import(t.Context(), strings.NewReader(good+"oops"), s)
	require.ErrorIs(t, err, storage.ErrClosed)
	require.Zero(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = storage.Import(ctx, strings.NewReader(good), storage.NewMemory())
	require.ErrorIs(t, err, context.Canceled)
}

// single is a storage without PutAll.
type single struct{ storage.Storage }

func TestExportRefusesWhatIsNoText(t *testing.T) {
	for _, r := range []storage.Record{
		{Name: "\xff"}, {Name: "a", URI: "\xff"}, {Name: "a", Tags: []string{"\xff"}},
	} {
		s := storage.NewMemory()
		require.NoError(t, s.Put(t.Context(), r, false))
		require.ErrorIs(t, storage.Export(t.Context(), io.Discard, s), storage.ErrNotText)
	}
}
