// Package warehouse is what the three phases of this example share: the warehouse and its visitors.
// Nothing here knows where the one is seen from the other.
package warehouse

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/pyrokit/pyrokit/transport"
)

// A Warehouse keeps things. Callers come at the same time, hence the lock.
type Warehouse struct {
	mu       sync.Mutex
	contents []string
}

// New returns a warehouse with a few things in it.
func New() *Warehouse {
	return &Warehouse{contents: []string{"chair", "bike", "flashlight", "laptop", "couch"}}
}

// ListContents returns what is there.
func (w *Warehouse) ListContents(context.Context) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.contents), nil
}

// Take gives name the item, or a ValueError.
func (w *Warehouse) Take(_ context.Context, name, item string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.contents, item)
	if i < 0 {
		return transport.NewError("ValueError", "there is no "+item)
	}
	w.contents = slices.Delete(w.contents, i, i+1)
	fmt.Println(name, "took the", item)
	return nil
}

// Store keeps the item.
func (w *Warehouse) Store(_ context.Context, name, item string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.contents = append(w.contents, item)
	fmt.Println(name, "stored the", item)
	return nil
}
