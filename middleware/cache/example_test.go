package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/cache"
	"github.com/pyrokit/pyrokit/service"
)

func Example() {
	s := service.New("words").Method("length", func(word string) int {
		fmt.Println("counting", word)
		return len(word)
	})
	pair, err := pairtest.Serve(s, service.Use(cache.New(cache.Pure(time.Minute, "words.length"))))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()
	p, err := pair.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, word := range []string{"tulip", "tulip", "clog"} {
		n, err := service.Call[int](context.Background(), p, "length", word)
		fmt.Println(n, err)
	}
	// Output:
	// counting tulip
	// 5 <nil>
	// 5 <nil>
	// counting clog
	// 4 <nil>
}
