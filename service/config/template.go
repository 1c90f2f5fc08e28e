package config

import (
	_ "embed"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// templateText is the template. A line "#: Message.field" stands for what the .proto file says about the field, and
// one that begins with "#~" for one that is commented out.
//
//go:embed template.yaml
var templateText string

// Template returns an example to begin with, in YAML: the settings that are used most, with what the .proto files say
// about them. It loads as it is.
func Template() []byte {
	var b strings.Builder
	for line := range strings.Lines(templateText) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(text, "#: "):
			writeComment(&b, indent, firstSentence(comments()[chainName.Parent()+protoreflect.FullName("."+text[len("#: "):])]))
		case strings.HasPrefix(text, "#~ "):
			b.WriteString(indent + "# " + text[len("#~ "):] + "\n")
		default:
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}

// commentWidth is where comments are broken.
const commentWidth = 110

func writeComment(b *strings.Builder, indent, text string) {
	line := indent + "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > commentWidth {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
