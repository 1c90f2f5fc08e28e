package middleware_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

func TestFieldsThatAreRight(t *testing.T) {
	var f middleware.Fields
	require.Zero(t, f.Duration("d", nil))
	require.Equal(t, time.Second, f.Duration("d", durationpb.New(time.Second)))
	require.Equal(t, 3, f.Count("n", 3))
	require.Equal(t, []string{"a.*"}, f.SomePatterns("p", []string{"a.*"}))
	require.Equal(t, []transport.Code{transport.CodeCanceled, transport.CodeUnauthenticated},
		f.Codes("c", []configv1.Code{configv1.Code_CODE_CANCELED, configv1.Code_CODE_UNAUTHENTICATED}))
	for l, want := range map[configv1.LogLevel]slog.Level{
		configv1.LogLevel_LOG_LEVEL_UNSPECIFIED: 7,
		configv1.LogLevel_LOG_LEVEL_DEBUG:       slog.LevelDebug,
		configv1.LogLevel_LOG_LEVEL_INFO:        slog.LevelInfo,
		configv1.LogLevel_LOG_LEVEL_WARN:        slog.LevelWarn,
		configv1.LogLevel_LOG_LEVEL_ERROR:       slog.LevelError,
		configv1.LogLevel_LOG_LEVEL_OFF:         middleware.LevelOff,
	} {
		require.Equal(t, want, f.Level("l", l, 7))
	}
	secret := &configv1.Secret{Source: &configv1.Secret_Value{Value: "sesame"}}
	require.Equal(t, "sesame", f.Secret("s", secret, middleware.Env{}))
	read := middleware.Env{Secret: func(*configv1.Secret) (string, error) { return "tulip", nil }}
	require.Equal(t, "tulip", f.Secret("s", secret, read))
	require.NoError(t, f.Err())
}

func TestFieldsThatAreWrong(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		read func(*middleware.Fields)
		want string
	}{
		{func(f *middleware.Fields) { f.Duration("d", durationpb.New(-1)) }, "d: must be a time of 0s or more"},
		{func(f *middleware.Fields) { f.Duration("d", &durationpb.Duration{Seconds: 1 << 60}) }, "d: must be a time of 0s or more"},
		{func(f *middleware.Fields) { f.Count("n", -1) }, "n: must be 0 or more, not -1"},
		{func(f *middleware.Fields) { f.Patterns("p", []string{"a", ""}) }, "p[1]: must not be empty: * fits all"},
		{func(f *middleware.Fields) { f.SomePatterns("p", nil) }, "p: must have one at least: * fits all"},
		{func(f *middleware.Fields) { f.Codes("c", []configv1.Code{0}) }, "c[0]: CODE_UNSPECIFIED is no code of errors"},
		{func(f *middleware.Fields) { f.Codes("c", []configv1.Code{99}) }, "c[0]: 99 is no code of errors"},
		{func(f *middleware.Fields) { f.Level("l", 99, 0) }, "l: 99 is no level"},
		{func(f *middleware.Fields) { f.Secret("s", nil, middleware.Env{}) }, "s: must be set"},
		{func(f *middleware.Fields) { f.Secret("s", &configv1.Secret{}, middleware.Env{}) }, "s: must not be empty"},
		{func(f *middleware.Fields) {
			f.Secret("s", &configv1.Secret{Source: &configv1.Secret_File{File: "f"}}, middleware.Env{})
		}, "s: nothing here reads secrets from the environment or from files"},
		{func(f *middleware.Fields) {
			f.Secret("s", &configv1.Secret{}, middleware.Env{Secret: func(*configv1.Secret) (string, error) { return "", broken }})
		}, "s: broken"},
		{func(f *middleware.Fields) { f.At("a", 2).In("b").Wrongf("c", "no") }, "a[2].b.c: no"},
		{func(f *middleware.Fields) { f.Wrongf("a", "no"); f.In("b").Wrongf("c", "neither") }, "a: no\nb.c: neither"},
	}
	for _, tt := range tests {
		var f middleware.Fields
		tt.read(&f)
		require.EqualError(t, f.Err(), tt.want)
	}
	var f middleware.Fields
	f.Failed("x", broken)
	require.ErrorIs(t, f.Err(), broken)
	var field *middleware.FieldError
	require.ErrorAs(t, f.Err(), &field)
	require.Equal(t, "x", field.Path)
}

func TestTheLoggerOfAnEnv(t *testing.T) {
	own := slog.New(slog.DiscardHandler)
	require.Same(t, own, middleware.Env{Log: own}.Logger())
	require.Same(t, slog.Default(), middleware.Env{}.Logger())
}
