package storage_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

func Example() {
	ctx := context.Background()
	s := storage.NewMemory()
	file := strings.NewReader(`
{"name": "shop.tea", "uri": "PYRO:tea@host:9091", "metadata": ["hot", "drink"]}
{"name": "shop.cola", "uri": "PYRO:cola@host:9091", "metadata": ["drink"]}
{"name": "bank", "uri": "PYRO:bank@host:9092", "lease": 30}
`)
	for r, err := range storage.ReadRecords(file, nil) {
		if err == nil {
			err = s.Put(ctx, r, false)
		}
		fmt.Println(err)
	}
	for r, err := range s.TaggedAll(ctx, []string{"drink", "hot"}) {
		fmt.Println(r.Name, r.Tags, err)
	}
	fmt.Println(storage.WriteRecords(os.Stdout, s.Prefix(ctx, "shop.")))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// shop.tea [drink hot] <nil>
	// {"name":"shop.cola","uri":"PYRO:cola@host:9091","metadata":["drink"]}
	// {"name":"shop.tea","uri":"PYRO:tea@host:9091","metadata":["drink","hot"]}
	// <nil>
}
