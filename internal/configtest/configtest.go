// Package configtest has what the tests of configuration messages share.
package configtest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Message reads text, which is JSON, into m and returns it.
func Message[M proto.Message](t testing.TB, m M, text string) M {
	t.Helper()
	require.NoError(t, protojson.Unmarshal([]byte(text), m), text)
	return m
}

// Wrong checks what fromConfig says of messages: cases has the texts of its errors, in any order, by the message.
func Wrong[M proto.Message](t *testing.T, m M, fromConfig func(M) error, cases map[string][]string) {
	t.Helper()
	for text, want := range cases {
		fresh, _ := m.ProtoReflect().New().Interface().(M)
		require.ElementsMatch(t, want, texts(fromConfig(Message(t, fresh, text))), text)
	}
}

// texts returns those of the errors that err joins.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range joined.Unwrap() {
			all = append(all, texts(one)...)
		}
		return all
	}
	return []string{err.Error()}
}
