package open_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
)

func Example() {
	s, err := open.Storage("memory") // or sql:names.db, dbm:names
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ctx := context.Background()
	fmt.Println(s.Put(ctx, storage.Record{Name: "shop.tea", URI: "PYRO:tea@host:9091"}, false))
	fmt.Println(s.Len(ctx))
	_, err = open.Storage("x")
	fmt.Println(err)
	// Output:
	// <nil>
	// 1 <nil>
	// invalid storage type 'x'
}
