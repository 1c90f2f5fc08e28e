package admin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/admin"
)

func Example() {
	ctx := context.Background()
	srv := service.NewServer()
	a, err := admin.Listen(ctx, "localhost:0", admin.Config{
		Ready: func(context.Context) []admin.Check {
			check := admin.Check{Name: "server"}
			if status := srv.Health().Status(""); status != service.Serving {
				check.Err = fmt.Errorf("it is %s", status)
			}
			return []admin.Check{check}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = a.Shutdown(ctx) }()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL()+"/readyz?verbose", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body), err)
	// Output: 503 {"ready":false,"checks":[{"name":"server","ready":false,"error":"it is NOT_SERVING"}]}
	//  <nil>
}
