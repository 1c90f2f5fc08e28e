package config

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// eachMessage calls do with each message of the configuration.
func eachMessage(do func(protoreflect.MessageDescriptor)) {
	protoregistry.GlobalFiles.RangeFilesByPackage(chainName.Parent(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			do(file.Messages().Get(i))
		}
		return true
	})
}

// The option default is written as the field itself would be.
func TestDefaultsAreValues(t *testing.T) {
	types := middlewareTypes(Default().Types())
	n := 0
	eachMessage(func(md protoreflect.MessageDescriptor) {
		for i := range md.Fields().Len() {
			fd := md.Fields().Get(i)
			text, has := defaultOf(fd)
			if !has {
				continue
			}
			n++
			_, ok := bindDefault(fd, text, types)
			require.True(t, ok, "%s: default %q", fd.FullName(), text)
		}
	})
	require.Greater(t, n, 30)
}

// What is embedded for comments is made of the .proto files that the messages here are made of.
func TestCommentsAreOfTheseMessages(t *testing.T) {
	set, err := commentedFiles()
	require.NoError(t, err)
	for _, file := range set.GetFile() {
		linked, err := protoregistry.GlobalFiles.FindFileByPath(file.GetName())
		require.NoError(t, err)
		want := protodesc.ToFileDescriptorProto(linked)
		require.Len(t, file.GetMessageType(), len(want.GetMessageType()), "run make generate: %s", file.GetName())
		for i, m := range want.GetMessageType() {
			require.Equal(t, m.GetName(), file.GetMessageType()[i].GetName(), "run make generate")
			require.Len(t, file.GetMessageType()[i].GetField(), len(m.GetField()), "run make generate: %s", m.GetName())
		}
	}
	eachMessage(func(md protoreflect.MessageDescriptor) {
		require.NotEmpty(t, commentOf(md), md.FullName())
		for i := range md.Fields().Len() {
			require.NotEmpty(t, commentOf(md.Fields().Get(i)), "run make generate: %s", md.Fields().Get(i).FullName())
		}
	})
}

func TestFirstSentence(t *testing.T) {
	for text, want := range map[string]string{
		"One. Two.":                    "One.",
		"Lasts 1.5 s, e.g. a. B.":      "Lasts 1.5 s, e.g. a.",
		"No end":                       "No end",
		"Version 1. 0: none.":          "Version 1.",
		"A file, such as x.pem. More.": "A file, such as x.pem.",
		"":                             "",
	} {
		require.Equal(t, want, firstSentence(text))
	}
}

func TestDurationsAreShort(t *testing.T) {
	for _, text := range []string{"0s", "1s", "1m", "1h", "1h0m1s", "1m30s", "24h", "-2m", "10ms", "1h1m", "10m", "20h", "100h", "1.5s"} {
		d, err := parseDuration(text)
		require.NoError(t, err)
		require.Equal(t, text, durationText(d))
	}
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		path string
		want []step
	}{
		{"a.b", []step{{"a", false}, {"b", false}}},
		{"a[0].b", []step{{"a", false}, {"0", true}, {"b", false}}},
		{`a["x.y[\"]"][1]`, []step{{"a", false}, {`x.y["]`, true}, {"1", true}}},
		{"a[x].b", []step{{"a", false}, {"x", true}, {"b", false}}},
	} {
		got, err := parsePath(tt.path)
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
	for _, path := range []string{"", ".", "a.", "a..b", "a[", "a[]", `a["x]`, "a[0]b", `a["x"`} {
		_, err := parsePath(path)
		require.ErrorIs(t, err, errPath, path)
	}
	for path, want := range map[string]string{
		"a.b": "a", "a": "", "a[0]": "a", "a[0].b": "a[0]", `a["x.y"]`: "a", `a["x[\""].b`: `a["x[\""]`, "": "",
	} {
		require.Equal(t, want, parent(path), path)
	}
}
