package config_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pyrokit/pyrokit/service/config"
)

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "site.yaml")
	text := "server:\n  limits: {max_depth: 50}\n  chain: [recovery, {timeout: {default: 5s}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	loaded, err := config.Load([]string{file}, config.Set("server.limits.max_calls=100"))
	if err != nil {
		fmt.Println(err) // a line for everything that is wrong
		return
	}
	limits := loaded.Config().GetServer().GetLimits()
	where, _ := loaded.Origin("server.limits.max_calls")
	fmt.Println(limits.GetMaxDepth(), limits.GetMaxCalls(), where)

	_, err = config.Load([]string{file}, config.Set("server.limits.max_call=100"))
	fmt.Println(err)
	// Output:
	// 50 100 --set
	// --set: server.limits.max_call: unknown field; did you mean max_calls?
}
