package correlation_test

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/service"
)

// Both ends in one program: the id that the caller's context has is the one that the method sees.
func Example() {
	ids := service.New("ids").Method("id", func(ctx context.Context) string {
		return correlation.FromContext(ctx).String()
	})
	pair, err := pairtest.Serve(ids, service.Use(correlation.New()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()
	p, err := pair.Connect(service.Use(correlation.New()))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := correlation.NewContext(context.Background(), uuid.MustParse("11112222-3333-4444-5555-666677778888"))
	fmt.Println(service.Call[string](ctx, p, "id"))
	// Output: 11112222-3333-4444-5555-666677778888 <nil>
}
