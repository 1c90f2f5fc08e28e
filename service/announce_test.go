package service_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
)

// A picky registrar refuses one name.
type picky struct{ registered, withdrawn chan string }

func (p *picky) Register(_ context.Context, e discovery.Entry) error {
	return p.take(p.registered, e)
}

func (p *picky) Unregister(_ context.Context, e discovery.Entry) error {
	return p.take(p.withdrawn, e)
}

func (p *picky) take(names chan string, e discovery.Entry) error {
	if e.Name == "refused" {
		return errors.New("not this one")
	}
	select {
	case names <- e.Name:
	default:
	}
	return nil
}

func TestAnEntryThatIsRefusedDoesNotHideTheOthers(t *testing.T) {
	p := &picky{registered: make(chan string, 1), withdrawn: make(chan string, 1)}
	srv := service.NewServer(service.Announce(p))
	for _, name := range []string{"refused", "good"} {
		require.NoError(t, srv.Add(service.New(name).Method("m", func() {})))
	}
	require.NoError(t, srv.Start())
	require.Equal(t, "good", <-p.registered)
	require.NoError(t, srv.Shutdown(t.Context()))
	require.Equal(t, "good", <-p.withdrawn)
}
