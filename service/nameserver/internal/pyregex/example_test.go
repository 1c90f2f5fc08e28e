package pyregex_test

import (
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/service/nameserver/internal/pyregex"
)

func Example() {
	re, err := pyregex.Compile(`app\.(?!old)\w+$`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(re.Prefix())
	fmt.Println(re.Match("app.new", time.Now().Add(time.Second)))
	fmt.Println(re.Match("app.old", time.Now().Add(time.Second)))
	// Output:
	// app.
	// true <nil>
	// false <nil>
}
