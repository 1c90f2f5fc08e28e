package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// namesRole is what a server and a client of names are called: server names STORAGE FILE COUNT; client names
// SCENARIO DIALECT ADDRESS DURATION.
const namesRole = "names"

func namesServerMain(args []string) error {
	kind, file := args[0], args[1]
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s, err := openStorage(kind, file)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := fill(s, count); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	ns := nameserver.New(nameserver.Storage(s), nameserver.ListenOn(listener), nameserver.Logger(slog.New(slog.DiscardHandler)))
	if err := ns.Start(context.Background()); err != nil {
		return err
	}
	if kind == "bare" {
		return bareNamesMain(address)
	}
	fmt.Println(address)
	err = untilStdinEnds(nil)
	return errors.Join(err, ns.Shutdown(context.Background()))
}

func openStorage(kind, file string) (storage.Storage, error) {
	if kind == "sql" {
		return sqlite.Open(file)
	}
	return storage.NewMemory(), nil
}

// fill stores names as nameOf has them: each tenth of them has a prefix of its own, and ten have the tag that is asked for.
func fill(s storage.Storage, count int) error {
	const batch = 64 // callers at a time share a flush
	failed := make(chan error, batch)
	for caller := range batch {
		go func() {
			for i := caller; i < count; i += batch {
				uri := fmt.Sprintf("PYRO:obj_%d@192.168.1.17:50123", i)
				r := storage.Record{Name: nameOf(i), URI: uri, Tags: []string{"bench", "common"}}
				if i%(count/10) == 5 {
					r.Tags = append(r.Tags, rareTag)
				}
				if err := s.Put(context.Background(), r, false); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	var err error
	for range batch {
		err = errors.Join(err, <-failed)
	}
	return err
}

// nameOf is the same in bench_names.py.
func nameOf(i int) string { return fmt.Sprintf("p%d.bench.%08d", i%10, i) }

const rareTag = "rare"

// bareNamesMain answers each request with the bytes of a lookup, without looking at it: they are what the name server at
// address answers.
func bareNamesMain(address string) error {
	c, err := dialNames("Pyro5", address)
	if err != nil {
		return err
	}
	request := c.requestFor(lookup, 10, 0, 0)
	if err := c.ask(request); err != nil {
		return err
	}
	reply, welcome := append([]byte{}, c.reply...), c.welcome
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerNames(conn, len(c.connectFrame()), welcome, len(request), reply)
		}
	}()
	return untilStdinEnds(nil)
}

func answerNames(conn net.Conn, connect int, welcome []byte, request int, reply []byte) {
	defer conn.Close()
	buf := make([]byte, max(connect, request))
	if _, err := io.ReadFull(conn, buf[:connect]); err != nil {
		return
	}
	if _, err := conn.Write(welcome); err != nil {
		return
	}
	for {
		if _, err := io.ReadFull(conn, buf[:request]); err != nil {
			return
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}
