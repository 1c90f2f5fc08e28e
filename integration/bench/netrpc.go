package main

import (
	"net"
	"net/rpc"
)

// netRPC is the standard library's, with its own gob encoding.
type netRPC struct{}

// Echo is the service that net/rpc calls; its methods have to be exported.
type Echo struct{}

// Echo returns the message.
func (Echo) Echo(in string, out *string) error {
	*out = in
	return nil
}

func (netRPC) serve(listener net.Listener) error {
	server := rpc.NewServer()
	if err := server.Register(Echo{}); err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go server.ServeConn(conn)
	}
}

func (netRPC) dial(address string) (connection, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return netRPCConnection{rpc.NewClient(conn)}, nil
}

type netRPCConnection struct{ *rpc.Client }

func (c netRPCConnection) echo() error {
	var out string
	if err := c.Call("Echo.Echo", message, &out); err != nil {
		return err
	}
	if out != message {
		return errOther
	}
	return nil
}
