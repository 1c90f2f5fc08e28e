package concurrency_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/concurrency"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFromConfig(t *testing.T) {
	tests := []struct {
		text, method string
		want         int           // calls of 300 that go through, each of which takes 10s
		took         time.Duration // until the last one has ended
	}{
		{`{}`, "m", 100, 10 * time.Second},
		{`{"limit": 2}`, "m", 2, 10 * time.Second},
		{`{"limit": 2, "calls": ["a"]}`, "a", 2, 10 * time.Second},
		{`{"limit": 2, "calls": ["a"]}`, "m", 300, 10 * time.Second},
		{`{"limit": 2, "queue": 3, "queue_time": "15s"}`, "m", 4, 20 * time.Second},
		{`{"limit": 2, "queue": 3}`, "m", 2, 10 * time.Second},
		{`{"adaptive": {}}`, "m", 100, 10 * time.Second},
		{`{"limit": 1, "adaptive": {"min": 5}}`, "m", 5, 10 * time.Second},
		{`{"limit": 100, "adaptive": {"max": 7}}`, "m", 7, 10 * time.Second},
		{`{"adaptive": {"min": 8, "max": 8}}`, "m", 8, 10 * time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			made, err := concurrency.FromConfig(configtest.Message(t, &configv1.ConcurrencyLimit{}, tt.text), middleware.Env{})
			require.NoError(t, err)
			endpoint := made.Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
				time.Sleep(10 * time.Second)
				return &transport.Reply{}, nil
			})
			begun, ended := time.Now(), make(chan error)
			for range 300 {
				go func() {
					_, err := endpoint(context.Background(), &transport.Call{Object: "o", Method: tt.method})
					ended <- err
				}()
			}
			through := 0
			for range 300 {
				if <-ended == nil {
					through++
				}
			}
			require.Equal(t, tt.want, through, tt.text)
			require.Equal(t, tt.took, time.Since(begun), tt.text)
		})
	}
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.ConcurrencyLimit) error {
		_, err := concurrency.FromConfig(m, middleware.Env{})
		return err
	}
	configtest.Wrong(t, &configv1.ConcurrencyLimit{}, from, map[string][]string{
		`{"limit": -1, "queue": -2, "queue_time": "-1s", "calls": [""]}`: {
			"limit: must be 0 or more, not -1", "queue: must be 0 or more, not -2",
			"queue_time: must be a time of 0s or more", "calls[0]: must not be empty: * fits all",
		},
		`{"adaptive": {"min": -1, "max": -1}}`: {"adaptive.min: must be 0 or more, not -1", "adaptive.max: must be 0 or more, not -1"},
		`{"adaptive": {"min": 9, "max": 8}}`:   {"adaptive.max: must not be less than min, 9"},
	})
}
