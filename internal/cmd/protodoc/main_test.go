package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

// The committed page has each message and field that the generated Go has: who changes a .proto file and forgets make
// generate is told without buf.
func TestTheReferenceIsWhole(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference.md")
	require.NoError(t, err)
	sections := map[string]string{}
	for part := range strings.SplitSeq(string(page), "\n### ") {
		name, body, _ := strings.Cut(part, "\n")
		sections[name] = body
	}
	messages := 0
	pkg := configv1.File_pyrokit_config_v1_config_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(f protoreflect.FileDescriptor) bool {
		each(f, func(d protoreflect.Descriptor) {
			require.Contains(t, sections, title(d))
			m, ok := d.(protoreflect.MessageDescriptor)
			if !ok {
				return
			}
			messages++
			for i := range m.Fields().Len() {
				f := m.Fields().Get(i)
				require.Contains(t, sections[title(m)], "\n| `"+string(f.Name())+"` |", "field of %s", title(m))
			}
		})
		return true
	})
	require.Greater(t, messages, 50)
}

// The page names the middlewares as files do, and links to pages that are there.
func TestTheReferenceHasEveryMiddleware(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference.md")
	require.NoError(t, err)
	_, list, _ := strings.Cut(string(page), "## Middlewares of chains")
	list, _, _ = strings.Cut(list, "\n## ")
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` .*\\]\\((\\S+\\.md)\\) \\|$").FindAllStringSubmatch(list, -1) {
		names = append(names, m[1])
		require.FileExists(t, "../../../docs/"+m[2])
	}
	require.Equal(t, config.Default().Names(), names)
}

func fieldOf(t *testing.T, m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	t.Helper()
	f := m.ProtoReflect().Descriptor().Fields().ByName(name)
	require.NotNil(t, f)
	return f
}

func int32Rules(low, high int32) *validate.FieldRules {
	return &validate.FieldRules{Type: &validate.FieldRules_Int32{Int32: &validate.Int32Rules{
		GreaterThan: &validate.Int32Rules_Gte{Gte: low}, LessThan: &validate.Int32Rules_Lte{Lte: high},
	}}}
}

func TestRulesInWords(t *testing.T) {
	limits, listener, server := &configv1.Limits{}, &configv1.Listener{}, &configv1.Server{}
	tests := []struct {
		field protoreflect.FieldDescriptor
		rules *validate.FieldRules
		want  string
	}{
		{fieldOf(t, limits, "max_depth"), int32Rules(0, 9), "0 to 9"},
		{
			fieldOf(t, limits, "idle_timeout"),
			&validate.FieldRules{Type: &validate.FieldRules_Duration{Duration: &validate.DurationRules{
				GreaterThan: &validate.DurationRules_Gte{Gte: durationpb.New(90e9)},
			}}},
			"1m30s or more",
		},
		{
			fieldOf(t, listener, "network"),
			&validate.FieldRules{Type: &validate.FieldRules_String_{String_: &validate.StringRules{In: []string{"", "tcp", "unix"}}}},
			"one of tcp, unix",
		},
		{
			fieldOf(t, server, "annotations"),
			&validate.FieldRules{Type: &validate.FieldRules_Map{Map: &validate.MapRules{Keys: &validate.FieldRules{
				Type: &validate.FieldRules_String_{String_: &validate.StringRules{Len: new(uint64(4))}},
			}}}},
			"each key 4 characters",
		},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			r := &reader{}
			require.Equal(t, tt.want, strings.Join(r.words(tt.field, tt.rules), ", "))
			require.Empty(t, r.errs)
		})
	}
}

func TestARuleWithoutWordsIsAnError(t *testing.T) {
	r := &reader{}
	rules := &validate.FieldRules{Type: &validate.FieldRules_String_{String_: &validate.StringRules{Contains: new("x")}}}
	r.words(fieldOf(t, &configv1.Listener{}, "address"), rules)
	require.Len(t, r.errs, 1)
	require.ErrorContains(t, r.errs[0], "pyrokit.config.v1.Listener.address: there are no words for the rule contains")
}

func TestASetWithoutCommentsIsRefused(t *testing.T) {
	var set descriptorpb.FileDescriptorSet
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(configv1.File_pyrokit_config_v1_config_proto) // generated Go has no comments
	data, err := proto.Marshal(&set)
	require.NoError(t, err)
	require.ErrorContains(t, write(data, &strings.Builder{}), "pyrokit.config.v1.Config: it has no comment")
}

func TestTextIsNoMarkdown(t *testing.T) {
	require.Equal(t, "\\*a\\* &lt;b> \\| `x*<\\|`", escape("*a* <b> | `x*<|`"))
}

func TestNames(t *testing.T) {
	require.Equal(t, "rate_limit", snake("RateLimit"))
	seen := map[string]int{}
	require.Equal(t, []string{"#loglevel", "#loglevel-1"}, []string{slug("Log.Level", seen), slug("LogLevel", seen)})
}
