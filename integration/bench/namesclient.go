package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"
)

func namesClientMain(args []string) error {
	scenarios, err := choose("scenario", nameScenarios, args[:1])
	if err != nil {
		return err
	}
	s, dialect, address := scenarios[0], args[1], args[2]
	duration, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	do := make([]func() error, s.callers)
	for i := range do {
		c, err := dialNames(dialect, address)
		if err != nil {
			return err
		}
		do[i] = c.asking(s, i)
	}
	size := 1
	if s.request == list {
		size = 0 // such calls are slow: each is timed
	}
	m, err := callEach(do, size, duration)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// callEach warms up, and measures.
func callEach(do []func() error, size int, duration time.Duration) (measurement, error) {
	if _, err := callAll(do, max(size, 1), warmup); err != nil {
		return measurement{}, err
	}
	return callAll(do, max(size, 1), duration)
}

// namesClient is a connection to a name server that knows frames and nothing else.
type namesClient struct {
	net.Conn

	wire    uint16
	welcome []byte
	reply   []byte
}

func dialNames(dialect, address string) (*namesClient, error) {
	conn, err := net.Dial("tcp", locationOf(address))
	if err != nil {
		return nil, err
	}
	c := &namesClient{Conn: conn, wire: 502}
	if dialect == "Pyro4" {
		c.wire = 48
	}
	if err := c.ask(c.connectFrame()); err != nil {
		return nil, err
	}
	c.welcome = append([]byte{}, c.reply...)
	return c, nil
}

// locationOf returns HOST:PORT of a URI, or what it got.
func locationOf(address string) string {
	if _, location, ok := strings.Cut(address, "@"); ok {
		return location
	}
	return address
}

const (
	connectMessage = 1
	invokeMessage  = 4
	exceptionFlag  = 1
)

func (c *namesClient) connectFrame() []byte {
	return c.frame(connectMessage, "{'handshake':'hello','object':'Pyro.NameServer'}")
}

// frame returns a message in serpent.
func (c *namesClient) frame(kind byte, payload string) []byte {
	payload = "# serpent utf-8 python3.2\n" + payload
	if c.wire == 502 {
		b := append([]byte("PYRO\x01\xf6"), kind, 1, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
		b = append(b, make([]byte, 22)...)
		return append(append(b, 0x4d, 0xc5), payload...)
	}
	b := append([]byte("PYRO\x00\x30\x00"), kind, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, 0, 1, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(int(kind)+48+len(payload)+1+0x34e9))
	return append(b, payload...)
}

// requestFor returns what asks for one of count names; n counts the requests of a caller.
func (c *namesClient) requestFor(r request, count, caller, n int) []byte {
	const format = "('Pyro.NameServer','%s',(%s),{})"
	method, args := "lookup", "'"+nameOf(rand.IntN(max(count, 1)))+"',"
	switch {
	case r == register:
		method = "register"
		args = fmt.Sprintf("'new.%d.%02d.%08d','PYRO:obj_%08d@192.168.1.17:50123',False,['bench','common']", os.Getpid(), caller, n, n)
	case r == list:
		method, args = "list", "'p3.',"
	case r == matching:
		method, args = "list", "None,'.*77$',"
	case r == tagged && c.wire == 502:
		method, args = "yplookup", "['"+rareTag+"'],None,False"
	case r == tagged:
		method, args = "list", "None,None,['"+rareTag+"'],None,False"
	}
	return c.frame(invokeMessage, fmt.Sprintf(format, method, args))
}

// asking returns the function that asks once, with requests that were made before as far as they can be.
func (c *namesClient) asking(s scenario, caller int) func() error {
	if s.request == register {
		n := 0
		return func() error {
			n++
			return c.ask(c.requestFor(register, s.names, caller, n))
		}
	}
	made := make([][]byte, 256)
	for i := range made {
		made[i] = c.requestFor(s.request, s.names, caller, i)
	}
	next := 0
	return func() error {
		next = (next + 1) % len(made)
		return c.ask(made[next])
	}
}

// ask sends a message and reads what answers it into c.reply.
func (c *namesClient) ask(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	header, size, annotations := 40, 12, 16
	if c.wire == 48 {
		header = 24
	}
	if cap(c.reply) < 4096 {
		c.reply = make([]byte, 0, 4096)
	}
	b := c.reply[:cap(c.reply)]
	n, err := io.ReadAtLeast(c.Conn, b, header)
	if err != nil {
		return err
	}
	total := header + int(binary.BigEndian.Uint32(b[size:]))
	if c.wire == 48 {
		total += int(binary.BigEndian.Uint16(b[18:]))
	} else {
		total += int(binary.BigEndian.Uint32(b[annotations:]))
	}
	if total > len(b) {
		b = append(make([]byte, 0, total), b[:n]...)[:total]
	}
	if n < total {
		if _, err := io.ReadFull(c.Conn, b[n:total]); err != nil {
			return err
		}
	}
	c.reply = b[:total]
	if binary.BigEndian.Uint16(b[8:])&exceptionFlag != 0 {
		return fmt.Errorf("the name server raised: %s", b[header:total])
	}
	return nil
}
