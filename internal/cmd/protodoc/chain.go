package main

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// inPackage finds the package of a middleware in the comment of its message.
var inPackage = regexp.MustCompile(` \(middleware/(\w+)\)`)

// chainEntry notes m if it is the message of a middleware: its comment names the package.
func (r *reader) chainEntry(m protoreflect.MessageDescriptor, about string) {
	found := inPackage.FindStringSubmatch(about)
	if found == nil {
		return
	}
	r.doc.Chain = append(r.doc.Chain, entry{
		Name: snake(string(m.Name())), Message: string(m.Name()), Link: r.links[m.FullName()],
		About: strings.TrimPrefix(strings.Replace(about, found[0], "", 1), string(m.Name())+" "),
		Page:  found[1],
	})
}
