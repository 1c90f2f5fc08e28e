package tlsfiles_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// The server's key is encrypted. Its certificate is self-signed and has only a common name, as those that
// come with Pyro.
func Example() {
	server, err := tlsfiles.New(tlsfiles.Config{
		Cert:     "testdata/cert.pem",
		Key:      "testdata/pbes2-aes-256-cbc.pem",
		Password: func() (string, error) { return "correct horse", nil }, // or PasswordFile, PasswordEnv
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := tlsfiles.New(tlsfiles.Config{
		CAs:             []string{"testdata/cert.pem"},
		AllowCommonName: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	cfg, err := server.Server()
	if err != nil {
		fmt.Println(err)
		return
	}
	l := inmem.Listen() // net.Listen, outside of examples
	srv := service.NewServer(service.ListenOn(tls.NewListener(l, cfg)), service.Logger(slog.New(slog.DiscardHandler)))
	if err := srv.Add(service.New("greeter").Method("greet", func(name string) string { return "Hello " + name })); err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = srv.Shutdown(ctx) }()

	p, err := service.Connect("PYRO:greeter@key:9999", service.DialWith(client.Dialer(l.DialContext)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(service.Call[string](ctx, p, "greet", "Irmen"))
	// Output: Hello Irmen <nil>
}
