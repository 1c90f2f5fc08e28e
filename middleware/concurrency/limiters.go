package concurrency

import (
	"context"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
)

// fixed has as many places as its channel has room. Who waits for a channel gets it in turn.
type fixed chan struct{}

func newFixed(n int) Limiter { return make(fixed, max(n, 1)) }

func (f fixed) Try() Place {
	select {
	case f <- struct{}{}:
		return f
	default:
		return nil
	}
}

func (f fixed) Wait(ctx context.Context) (Place, error) {
	select {
	case f <- struct{}{}:
		return f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f fixed) Done(bool) { <-f }

type adaptive struct {
	limiter adaptivelimiter.AdaptiveLimiter[any]
}

func newAdaptive(least, initial, most int) Limiter {
	least = max(least, 1)
	most = max(most, least)
	initial = min(max(initial, least), most)
	return adaptive{adaptivelimiter.NewBuilder[any]().
		WithLimits(uint(least), uint(most), uint(initial)).
		Build()}
}

func (a adaptive) Try() Place {
	if p, ok := a.limiter.TryAcquirePermit(); ok {
		return permit{p}
	}
	return nil
}

func (a adaptive) Wait(ctx context.Context) (Place, error) {
	p, err := a.limiter.AcquirePermit(ctx)
	if err != nil {
		return nil, err
	}
	return permit{p}, nil
}

type permit struct{ adaptivelimiter.Permit }

func (p permit) Done(took bool) {
	if took {
		p.Record()
		return
	}
	p.Drop()
}
