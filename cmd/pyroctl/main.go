package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// oneStop is how long signals after the first one mean the same stop: timeout(1) sends its own twice, to the program and to
// its group.
const oneStop = 500 * time.Millisecond

func main() { os.Exit(run(os.Args[1:], stdStreams())) }

// run carries out one command line and returns the exit code.
func run(args []string, io *streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends what hangs; one that comes while the program ends by itself does no harm.
	context.AfterFunc(ctx, func() { time.AfterFunc(oneStop, stop) })
	f := &factory{io: io}
	root := newRootCmd(f)
	if takesValues(root, args) {
		args = expandArgs(args)
	}
	hideRefused(root, args)
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !f.ready { // flags and arguments are all that was looked at
		err = &usageError{err}
	}
	if ctx.Err() != nil && transport.AsError(err).Code == transport.CodeCanceled { // and not what came of stopping
		err = &interruptedError{err}
	}
	return f.report(cmd, err)
}
