package configtree_test

import (
	"fmt"

	"github.com/pyrokit/pyrokit/internal/configtree"
)

func ExampleParse() {
	root, err := configtree.Parse([]byte("server:\n  limits: {max_depth: 50}\n"), configtree.YAML)
	if err != nil {
		fmt.Println(err)
		return
	}
	depth := root.Child("server").Child("limits").Child("max_depth")
	fmt.Println(depth.Kind, depth.Text, depth.Pos)
	// Output: value 50 {2 23}
}
