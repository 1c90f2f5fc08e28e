package tracing_test

import (
	"context"
	"fmt"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/tracing"
	"github.com/pyrokit/pyrokit/service"
)

func Example() {
	recorder := tracetest.NewSpanRecorder() // programs have an exporter in its place
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	greeter := service.New("greeter").Method("greet", func(name string) string { return "Hello, " + name })
	pair, err := pairtest.Serve(greeter, service.Use(tracing.New(provider)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()
	p, err := pair.Connect(service.Use(tracing.New(provider)))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = service.Call[string](context.Background(), p, "greet", "Irmen")
	server, client := recorder.Ended()[0], recorder.Ended()[1]
	fmt.Println(server.SpanKind(), server.Name())
	fmt.Println(client.SpanKind(), client.Name())
	fmt.Println(server.Parent().SpanID() == client.SpanContext().SpanID())
	// Output:
	// server greeter/greet
	// client greeter/greet
	// true
}
