package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// wireVersions are the numbers in the headers of the dialects.
var wireVersions = map[codec.Dialect]int{codec.Pyro4: 48, codec.Pyro5: 502}

// wireTryTime limits each handshake that is tried: who speaks something else may say nothing at all.
const wireTryTime = 3 * time.Second

func newWireCmd(f *factory, run func(ctx context.Context, f *factory, location string) error) *cobra.Command {
	return &cobra.Command{
		Use:   "wire HOST:PORT",
		Short: "Find out which dialects and serializers a daemon accepts",
		Long: `Shakes hands with a daemon in each dialect and with each serializer that pyroctl has, and tells which it
accepted. Nothing is called. The exit code is 5 when it accepted none, and 1 when it speaks neither dialect: then it may
speak TLS (--tls), or be something else.`,
		Example: `  pyroctl wire localhost:9090 -o json`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), f, args[0]) },
	}
}

// A wireReport is what a daemon speaks.
type wireReport struct {
	dialects    []string
	protocols   []any
	serializers *codec.Dict // dialect -> names
	refused     *codec.Dict // dialect -> why it is spoken, but not with us
}

func wire(ctx context.Context, f *factory, location string) error {
	u, err := daemonURI(location)
	if err != nil {
		return err
	}
	f.aimAt("", u)
	cfg, err := f.objectConfig()
	if err != nil {
		return err
	}
	ctx, cancel := f.limited(ctx)
	defer cancel()
	if err := listens(ctx, u, cfg); err != nil {
		return fmt.Errorf("connect to %s: %w", location, err)
	}
	report := wireReport{serializers: codec.NewDict(), refused: codec.NewDict()}
	var failed error
	for _, d := range [...]codec.Dialect{codec.Pyro4, codec.Pyro5} {
		if err := report.try(ctx, u, cfg, d); err != nil {
			failed = err
		}
	}
	if len(report.dialects) == 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("shake hands with %s: %w", location, ctx.Err())
		}
		if isTLSError(failed) { // so nobody was asked
			return fmt.Errorf("shake hands with %s: %w", location, failed)
		}
		return transport.Errorf(transport.CodeFailedPrecondition,
			"shake hands with %s: it speaks neither Pyro4 nor Pyro5: %w", location, failed)
	}
	if err := report.print(f); err != nil {
		return err
	}
	return report.check(location)
}

// check returns an error if there is no serializer at all with which the daemon let us in.
func (w *wireReport) check(location string) error {
	var reasons []string
	for _, name := range w.dialects {
		accepted, _ := w.serializers.Get(name)
		if names, _ := accepted.([]string); len(names) > 0 {
			return nil
		}
		why := any("it accepts none of " + strings.Join(pyro.Serializers(), ", "))
		if reason, ok := w.refused.Get(name); ok {
			why = reason
		}
		reasons = append(reasons, fmt.Sprintf("%s: %s", name, why))
	}
	return transport.Errorf(transport.CodePermissionDenied, "shake hands with %s: refused: %s", location, strings.Join(reasons, "; "))
}

// listens makes sure that somebody is there, to tell silence from absence.
func listens(ctx context.Context, u pyro.URI, cfg pyro.DialConfig) error {
	dial := cfg.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	network, address := u.Address()
	c, err := dial(ctx, network, address)
	switch {
	case err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)): // the network's timer may be first
		return transport.Wrap(transport.CodeDeadlineExceeded, err)
	case err != nil:
		return transport.Wrap(transport.CodeUnavailable, err)
	}
	return c.Close()
}

// try finds out about one dialect. The error is why it is not spoken.
func (w *wireReport) try(ctx context.Context, u pyro.URI, cfg pyro.DialConfig, d codec.Dialect) error {
	var (
		accepted = []string{}
		spoken   bool
		reason   string
		failed   error
	)
	if d == codec.Pyro5 {
		cfg.HMACKey = nil // it would turn the dialect into Pyro4
	}
	cfg.Dialect = d
	cfg.Timeout = wireTryTime
	for _, name := range pyro.Serializers() {
		cfg.Serializer = name
		conn, err := pyro.Dial(ctx, u, cfg)
		if err == nil {
			_ = conn.Close()
			spoken = true
			accepted = append(accepted, name)
			continue
		}
		switch refusal, ok := refusalOf(err); {
		case ok && !strings.Contains(refusal, "serializer that is not accepted"):
			spoken, reason = true, refusal
		case ok:
			spoken = true
		case failed == nil:
			failed = err // the first one: Pyro5 does not even have the serializers that come last
		}
		if errors.Is(err, transport.ErrTimeout) {
			break
		}
	}
	if !spoken {
		return failed
	}
	w.dialects = append(w.dialects, d.String())
	w.protocols = append(w.protocols, wireVersions[d])
	w.serializers.Set(d.String(), accepted)
	if reason != "" && len(accepted) == 0 {
		w.refused.Set(d.String(), reason)
	}
	return nil
}

// refusalOf returns the reason that a daemon gave for its refusal in the dialect that it was asked in.
func refusalOf(err error) (string, bool) {
	if !errors.Is(err, transport.ErrPermissionDenied) && !errors.Is(err, transport.ErrUnauthenticated) &&
		!errors.Is(err, transport.ErrExhausted) && !errors.Is(err, transport.ErrNotFound) {
		return "", false
	}
	return strings.TrimPrefix(transport.AsError(err).Message, "the peer rejected the connection: "), true
}

func (w *wireReport) print(f *factory) error {
	doc := codec.NewDict("dialects", w.dialects, "protocols", w.protocols, "serializers", w.serializers)
	if w.refused.Len() > 0 {
		doc.Set("refused", w.refused)
	}
	return f.printDocument(doc, func(out io.Writer) {
		t := f.newTable(out, "DIALECT", "PROTOCOL", "SERIALIZERS")
		for i, name := range w.dialects {
			accepted, _ := w.serializers.Get(name)
			names, _ := accepted.([]string)
			text := strings.Join(names, ", ")
			if why, refused := w.refused.Get(name); refused {
				text = fmt.Sprintf("refused: %s", why)
			}
			t.AppendRow([]any{name, w.protocols[i], text})
		}
		t.Render()
	})
}
