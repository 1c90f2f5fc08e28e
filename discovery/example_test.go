package discovery_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// known returns an entry; the examples know that their URIs are right.
func known(name, uri string, tags ...string) discovery.Entry {
	u, err := pyro.ParseURI(uri)
	if err != nil {
		panic(err)
	}
	return discovery.Entry{Name: name, URI: u, Metadata: tags}
}

func ExampleStatic() {
	names := discovery.Static(
		known("camera.front", "PYRO:camera@10.0.0.5:4711", "camera", "outside"),
		known("camera.hall", "PYRO:camera@10.0.0.6:4711", "camera"),
	)
	ctx := context.Background()
	e, err := names.Resolve(ctx, "camera.hall")
	fmt.Println(e.URI, err)
	_, err = names.Resolve(ctx, "camera.roof")
	fmt.Println(err)
	outside, err := names.Find(ctx, discovery.Query{Prefix: "camera.", All: []string{"outside"}})
	fmt.Println(len(outside), outside[0].Name, err)
	// Output:
	// PYRO:camera@10.0.0.6:4711 <nil>
	// unknown name: camera.roof
	// 1 camera.front <nil>
}

func ExampleCache() {
	names := discovery.Static(known("app", "PYRO:app@10.0.0.5:4711"))
	cache := discovery.NewCache(names, discovery.CacheConfig{TTL: time.Minute, Negative: time.Second})
	defer cache.Close()
	e, err := cache.Resolve(context.Background(), "app") // from here on without a question
	fmt.Println(e.URI, err)
	// Output:
	// PYRO:app@10.0.0.5:4711 <nil>
}

func ExampleTargets() {
	targets := discovery.NewTargets(discovery.TargetsConfig{Balancer: discovery.RoundRobin()})
	defer targets.Close()
	targets.Set([]discovery.Entry{
		known("app#1", "PYRO:app@10.0.0.5:4711"),
		known("app#2", "PYRO:app@10.0.0.6:4711"),
	})
	call := &transport.Call{Method: "greet"}
	first, end := targets.Take(call)
	fmt.Println(first.Name)
	targets.Failed(first) // nobody could be reached there
	end()
	for range 3 {
		target, end := targets.Take(call)
		fmt.Println(target.Name)
		end()
	}
	// Output:
	// app#1
	// app#2
	// app#2
	// app#2
}
