//go:build unix

package program_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAHangupHasTheConfigurationReadAgain(t *testing.T) {
	r := run(t, "server: {limits: {max_calls: 5}}")
	write(t, r.file, "server: {limits: {max_calls: 6}}")
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	require.Eventually(t, func() bool { return r.Config().GetServer().GetLimits().GetMaxCalls() == 6 }, patience, time.Millisecond)
}
