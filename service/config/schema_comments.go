package config

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// commented are the .proto files with their comments, which generated code does not have. make generate writes it.
//
//go:embed schema.binpb.gz
var commented []byte

// comments are the comments of messages, fields and values by their full names, each on one line.
var comments = sync.OnceValue(func() map[protoreflect.FullName]string {
	all := map[protoreflect.FullName]string{}
	set, err := commentedFiles()
	if err != nil {
		panic(fmt.Errorf("schema.binpb.gz: %w", err)) // it is part of the program
	}
	for _, file := range set.GetFile() {
		fd, err := protodesc.FileOptions{AllowUnresolvable: true}.New(file, nil)
		if err != nil {
			panic(fmt.Errorf("schema.binpb.gz: %w", err))
		}
		readComments(all, fd.Messages(), fd.Enums())
	}
	return all
})

func commentedFiles() (*descriptorpb.FileDescriptorSet, error) {
	r, err := gzip.NewReader(bytes.NewReader(commented))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	return set, proto.Unmarshal(data, set)
}

func readComments(all map[protoreflect.FullName]string, messages protoreflect.MessageDescriptors, enums protoreflect.EnumDescriptors) {
	read := func(d protoreflect.Descriptor) {
		location := d.ParentFile().SourceLocations().ByDescriptor(d)
		all[d.FullName()] = strings.Join(strings.Fields(location.LeadingComments), " ")
	}
	for i := range messages.Len() {
		md := messages.Get(i)
		read(md)
		for j := range md.Fields().Len() {
			read(md.Fields().Get(j))
		}
		readComments(all, md.Messages(), md.Enums())
	}
	for i := range enums.Len() {
		read(enums.Get(i))
		for j := range enums.Get(i).Values().Len() {
			read(enums.Get(i).Values().Get(j))
		}
	}
}

// commentOf returns what the .proto file says about a descriptor; nothing for those of others.
func commentOf(d protoreflect.Descriptor) string { return comments()[d.FullName()] }

// firstSentence cuts a comment after its first sentence.
func firstSentence(comment string) string {
	for i := range len(comment) {
		if comment[i] != '.' || i+1 < len(comment) && comment[i+1] != ' ' {
			continue
		}
		if rest := strings.TrimLeft(comment[i+1:], " "); rest == "" || rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] == '0' {
			return comment[:i+1]
		}
	}
	return comment
}
