package main

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// grpcPeer makes unary calls of a well-known message type, so that no generated code is needed.
type grpcPeer struct{}

const grpcMethod = "/bench.Echo/Echo"

var grpcService = grpc.ServiceDesc{
	ServiceName: "bench.Echo",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: grpcEcho}},
}

//nolint:revive // grpc.MethodHandler has the context second
func grpcEcho(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := &wrapperspb.StringValue{}
	if err := decode(in); err != nil {
		return nil, err
	}
	return wrapperspb.String(in.GetValue()), nil
}

func (grpcPeer) serve(listener net.Listener) error {
	server := grpc.NewServer()
	server.RegisterService(&grpcService, struct{}{})
	return server.Serve(listener)
}

func (grpcPeer) dial(address string) (connection, error) {
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return grpcConnection{conn}, nil
}

type grpcConnection struct{ *grpc.ClientConn }

func (c grpcConnection) echo() error {
	out := &wrapperspb.StringValue{}
	if err := c.Invoke(context.Background(), grpcMethod, wrapperspb.String(message), out); err != nil {
		return err
	}
	if out.GetValue() != message {
		return errOther
	}
	return nil
}
