package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"iter"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/service"
)

// objectName is the object that every Pyro peer serves, Python's too.
const objectName = "bench"

// pyrokit is a service and a proxy with nothing switched on or off.
type pyrokit struct{}

func (pyrokit) serve(listener net.Listener) error {
	var noted atomic.Int64
	bench := service.New(objectName)
	bench.Method("echo", func(message string) string { return message })
	bench.Method("note", func() { noted.Add(1) }, service.Oneway())
	bench.Method("noted", noted.Load)
	bench.Method("items", func(n int) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	})
	srv := service.NewServer(service.ListenOn(listener))
	if err := srv.Add(bench); err != nil {
		return err
	}
	return srv.Run(context.Background())
}

// dial takes HOST:PORT, or a URI, which Python's servers say.
func (pyrokit) dial(address string) (connection, error) { return dialPyrokit(address) }

func dialPyrokit(address string, opts ...service.ProxyOption) (connection, error) {
	if !strings.HasPrefix(address, "PYRO:") {
		address = "PYRO:" + objectName + "@" + address
	}
	p, err := service.Connect(address, opts...)
	return &pyrokitConnection{Proxy: p}, err
}

type pyrokitConnection struct{ *service.Proxy }

func (c *pyrokitConnection) echo() error {
	out, err := service.Call[string](context.Background(), c.Proxy, "echo", message)
	if err != nil {
		return err
	}
	if out != message {
		return errOther
	}
	return nil
}

func (c *pyrokitConnection) work(w work, n int) error {
	switch w {
	case workBatch:
		return c.batch(n)
	case workOneway:
		return c.oneway(n)
	case workItems:
		return c.items(n)
	default:
		return c.echo()
	}
}

func (c *pyrokitConnection) batch(n int) error {
	b := c.Batch()
	for range n {
		service.Queue[string](b, "echo", message)
	}
	if err := b.Do(context.Background()); err != nil {
		return err
	}
	got := 0
	for out, err := range b.Results() {
		if err != nil {
			return err
		}
		if out != message {
			return errOther
		}
		got++
	}
	return complete(got, n)
}

// oneway waits in the end until the server has carried all calls out.
func (c *pyrokitConnection) oneway(n int) error {
	before, err := c.noted()
	if err != nil {
		return err
	}
	for range n {
		if err := service.Do(context.Background(), c.Proxy, "note"); err != nil {
			return err
		}
	}
	for {
		now, err := c.noted()
		if err != nil || now-before >= n {
			return err
		}
	}
}

func (c *pyrokitConnection) noted() (int, error) {
	return service.Call[int](context.Background(), c.Proxy, "noted")
}

// items has them come ahead of the asking, which another pyrokit does, and Python does not.
func (c *pyrokitConnection) items(n int) error {
	got := 0
	for item, err := range service.Stream[int](context.Background(), c.Proxy, "items", n, service.Ahead()) {
		if err != nil {
			return err
		}
		if item != got {
			return errOther
		}
		got++
	}
	return complete(got, n)
}

func complete(got, want int) error {
	if got != want {
		return fmt.Errorf("%d of %d came", got, want)
	}
	return nil
}

// pyrokitTLS is pyrokit over TLS 1.3 with a key on P-256. Its certificate is made by each server, and not
// checked: a handshake is not what is measured.
type pyrokitTLS struct{}

func (pyrokitTLS) serve(listener net.Listener) error {
	cert, err := selfSigned()
	if err != nil {
		return err
	}
	return pyrokit{}.serve(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}))
}

func (pyrokitTLS) dial(address string) (connection, error) {
	return dialPyrokit(address, service.TLS(&tls.Config{
		InsecureSkipVerify: true, // see pyrokitTLS
		MinVersion:         tls.VersionTLS13,
	}))
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
