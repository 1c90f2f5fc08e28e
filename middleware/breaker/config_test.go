package breaker_test

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/configtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/breaker"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func fromConfig(t *testing.T, text string, log *slog.Logger) transport.Middleware {
	t.Helper()
	made, err := breaker.FromConfig(configtest.Message(t, &configv1.CircuitBreaker{}, text), middleware.Env{Log: log})
	require.NoError(t, err)
	return made
}

var quiet = slog.New(slog.DiscardHandler)

func TestWhenABreakerFromConfigOpens(t *testing.T) {
	invalid := transport.Errorf(transport.CodeInvalidArgument, "x")
	tests := []struct {
		name, text string
		err        error
		pattern    string // of calls: f fails, s succeeds, m fails another method, w waits a minute
		want       int    // calls that came through
	}{
		{"by default after five in a row", `{}`, errLost, "ffffffff", 5},
		{"in a row", `{}`, errLost, "ffffsffffsff", 12},
		{"failures", `{"failures": 2}`, errLost, "ffff", 2},
		{"of the last calls", `{"failures": 2, "of_calls": 4}`, errLost, "fsfsff", 3},
		{"not of those before", `{"failures": 2, "of_calls": 4}`, errLost, "fsssfsssf", 9},
		{"within a period", `{"failures": 2, "period": "60s"}`, errLost, "fsfss", 3},
		{"not beyond it", `{"failures": 2, "period": "59s"}`, errLost, "fwswsfs", 5},
		{"other codes", `{"failures": 1}`, invalid, "fff", 3},
		{"codes", `{"failures": 1, "codes": ["CODE_INVALID_ARGUMENT"]}`, invalid, "fff", 1},
		{"all methods", `{"failures": 2}`, errLost, "fmff", 2},
		{"per method", `{"failures": 2, "per_method": true}`, errLost, "fmfmfm", 4},
		{"too many for breakers of their own", `{"failures": 2, "per_method": true, "max_breakers": 1}`, errLost, "fmmfmf", 4},
		{"other calls", `{"failures": 1, "calls": ["bank.m"]}`, errLost, "fffmm", 4},
		{"it stays open", `{"failures": 1, "delay": "3600s"}`, errLost, "fws", 1},
		{"and is closed again", `{"failures": 1}`, errLost, "fwsss", 4},
		{"after several probes", `{"failures": 1, "probes": 3}`, errLost, "fwssfs", 4},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &script{}
			endpoint := fromConfig(t, tt.text, quiet).Call(s.endpoint)
			for _, c := range tt.pattern {
				call := &transport.Call{Object: "bank", Method: "pay"}
				s.err = tt.err
				switch c {
				case 'w':
					time.Sleep(time.Minute)
					continue
				case 's':
					s.err = nil
				case 'm':
					call.Method = "m"
				}
				_, _ = endpoint(t.Context(), call)
			}
			require.Equal(t, tt.want, s.calls, tt.name)
		})
	}
}

func TestABreakerFromConfigOutlivesTheChainAroundIt(t *testing.T) {
	s := &script{err: errLost}
	made := fromConfig(t, `{"failures": 1}`, quiet)
	_, err := made.Call(s.endpoint)(t.Context(), &transport.Call{Object: "bank", Method: "pay"})
	require.Same(t, errLost, err)
	_, err = made.Call(s.endpoint)(t.Context(), &transport.Call{Object: "bank", Method: "pay"})
	require.ErrorContains(t, err, "is open")
}

func TestChangesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &script{err: errLost}
		endpoint := fromConfig(t, `{"failures": 1}`, slog.New(slog.NewTextHandler(&log, nil))).Call(s.endpoint)
		call := &transport.Call{Object: "bank", Method: "pay"}
		_, _ = endpoint(t.Context(), call)
		require.Contains(t, log.String(), `level=WARN msg="circuit breaker opened" target=bank from=closed`)
		s.err = nil
		time.Sleep(time.Minute)
		_, _ = endpoint(t.Context(), call)
		require.Contains(t, log.String(), `level=INFO msg="circuit breaker changed" target=bank from=half-open to=closed`)
	})
}

func TestFromConfigSaysWhatIsWrong(t *testing.T) {
	from := func(m *configv1.CircuitBreaker) error { _, err := breaker.FromConfig(m, middleware.Env{}); return err }
	configtest.Wrong(t, &configv1.CircuitBreaker{}, from, map[string][]string{
		`{"failures": -1, "of_calls": -1, "period": "-1s", "delay": "-1s", "probes": -1, "max_breakers": -1}`: {
			"failures: must be 0 or more, not -1", "of_calls: must be 0 or more, not -1", "period: must be a time of 0s or more",
			"delay: must be a time of 0s or more", "probes: must be 0 or more, not -1", "max_breakers: must be 0 or more, not -1",
		},
		`{"of_calls": 3, "period": "1s"}`: {"period: does not go together with of_calls: set one of them"},
		`{"failures": 4, "of_calls": 3}`:  {"failures: must not be more than of_calls, 3"},
		`{"codes": ["CODE_UNSPECIFIED"], "calls": [""]}`: {
			"codes[0]: CODE_UNSPECIFIED is no code of errors", "calls[0]: must not be empty: * fits all",
		},
	})
}
