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
	limits := root.Children[0].Children[0]
	depth := limits.Children[0]
	fmt.Println(limits.Key, limits.Pos, depth.Key, depth.Kind, depth.Text, depth.Pos)
	// Output: limits {2 11} max_depth value 50 {2 23}
}
