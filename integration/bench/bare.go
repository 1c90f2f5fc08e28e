package main

import (
	"bytes"
	"errors"
	"io"
	"net"
)

// bare is the floor: bytes as long as those of a Pyro4 call with serpent, and nothing done with them.
type bare struct{}

// Header and payload of a call of echo("hello world"), and of its reply.
var (
	bareRequest = bytes.Repeat([]byte{'q'}, 24+len("# serpent utf-8 python3.2\n('svc','echo',('hello world',),{})"))
	bareReply   = bytes.Repeat([]byte{'r'}, 24+len("# serpent utf-8 python3.2\n'hello world'"))
)

func (bare) serve(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go answerBare(conn)
	}
}

func answerBare(conn net.Conn) {
	defer conn.Close()
	request := make([]byte, len(bareRequest))
	for {
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		if _, err := conn.Write(bareReply); err != nil {
			return
		}
	}
}

func (bare) dial(address string) (connection, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &bareConnection{Conn: conn, reply: make([]byte, len(bareReply))}, nil
}

type bareConnection struct {
	net.Conn

	reply []byte
}

func (c *bareConnection) echo() error {
	if _, err := c.Write(bareRequest); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.Conn, c.reply); err != nil {
		return err
	}
	if !bytes.Equal(c.reply, bareReply) {
		return errOther
	}
	return nil
}

// errOther is what a connection returns when the echo is not the message.
var errOther = errors.New("another answer than the message")
