package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
)

func Example() {
	folder, err := os.MkdirTemp("", "names")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	for range 2 { // the second time, the name is there
		s, err := sqlite.Open(filepath.Join(folder, "names.db")) // as pyro5-ns -s sql:names.db
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.Put(context.Background(), storage.Record{Name: "shop.tea", URI: "PYRO:tea@host:9091"}, true))
		fmt.Println(s.Close())
	}
	// Output:
	// <nil>
	// <nil>
	// name is there already
	// <nil>
}
