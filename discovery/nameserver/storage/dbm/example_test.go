package dbm_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/dbm"
)

func Example() {
	folder, err := os.MkdirTemp("", "names")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	s, err := dbm.Open(filepath.Join(folder, "names")) // as pyro4-ns -s dbm:names
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Put(context.Background(), storage.Record{Name: "shop.tea", URI: "PYRO:tea@host:9091"}, false))
	directory, err := os.ReadFile(filepath.Join(folder, "names.dir"))
	fmt.Print(string(directory), err)
	// Output:
	// <nil>
	// 'shop.tea', (0, 18)
	// <nil>
}
