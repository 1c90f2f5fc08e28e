package main

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// inPackage finds the package of a middleware in the comment of its message.
var inPackage = regexp.MustCompile(`middleware/(\w+)`)

// chainEntry notes m if it is the message of a middleware: its comment names the package.
func (r *reader) chainEntry(m protoreflect.MessageDescriptor, about string) {
	pkg := inPackage.FindStringSubmatch(about)
	if pkg == nil {
		return
	}
	what, _, _ := strings.Cut(about, " (middleware/")
	r.doc.Chain = append(r.doc.Chain, entry{
		Name: snake(string(m.Name())), Message: string(m.Name()), Link: r.links[m.FullName()],
		About: strings.TrimPrefix(what, string(m.Name())+" ") + ": [" + pkg[1] + "](middleware/" + pkg[1] + ".md)",
	})
}
