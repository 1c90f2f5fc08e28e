package main

import (
	"context"
	"errors"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// grpcPeer makes unary calls of a well-known message type, so that no generated code is needed.
type grpcPeer struct{}

const (
	grpcMethod = "/bench.Echo/Echo"
	grpcStream = "/bench.Echo/Items"
)

var grpcService = grpc.ServiceDesc{
	ServiceName: "bench.Echo",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: grpcEcho}},
	Streams:     []grpc.StreamDesc{{StreamName: "Items", Handler: grpcItems, ServerStreams: true}},
}

//nolint:revive // grpc.MethodHandler has the context second
func grpcEcho(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := &wrapperspb.StringValue{}
	if err := decode(in); err != nil {
		return nil, err
	}
	return wrapperspb.String(in.GetValue()), nil
}

func grpcItems(_ any, stream grpc.ServerStream) error {
	in := &wrapperspb.Int64Value{}
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	for i := range in.GetValue() {
		if err := stream.SendMsg(wrapperspb.Int64(i)); err != nil {
			return err
		}
	}
	return nil
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

func (c grpcConnection) work(w work, n int) error {
	if w != workItems {
		return errors.ErrUnsupported
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := c.NewStream(ctx, &grpcService.Streams[0], grpcStream)
	if err != nil {
		return err
	}
	if err := errors.Join(stream.SendMsg(wrapperspb.Int64(int64(n))), stream.CloseSend()); err != nil {
		return err
	}
	got := 0
	for ; ; got++ {
		item := &wrapperspb.Int64Value{}
		if err := stream.RecvMsg(item); err != nil {
			if errors.Is(err, io.EOF) {
				return complete(got, n)
			}
			return err
		}
		if item.GetValue() != int64(got) {
			return errOther
		}
	}
}
