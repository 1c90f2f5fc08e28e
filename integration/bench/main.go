// Command bench compares ways to call a small method on another process of this machine: a bare
// TCP echo of the same bytes, net/rpc, gRPC, Python's Pyro4 and Pyro5, and pyrokit.
//
// Every server and every client is a process of its own. The peers take turns in short rounds, so
// that a slow minute of the machine hits them all, and what is printed is the median of the rounds.
// It is a report to read, not a test: numbers of two runs on a shared machine differ.
//
//	go run . [-json] [-rounds 3] [-duration 1s] [-pin none|one] [-peers a,b] [-scenarios a,b]
//
// With -codecs it compares serializers instead, without any connection: those of this project with
// the serializer objects of Python's Pyro and with encoding/json.
//
// With -names it compares name servers: Python's, with and without a file, pyrokit's, and a bare responder with the bytes of a
// lookup.
//
//	go run . -names [-json] [-rounds 3] [-duration 1s] [-pin none|one] [-peers a,b] [-scenarios a,b]
//
//	go run . -codecs [-json] [-rounds 3] [-duration 1s] [-pin none|one]
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

type options struct {
	json      bool
	codecs    bool
	names     bool
	rounds    int
	duration  time.Duration
	pin       string
	peers     string
	scenarios string
	idle      int
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	// The program starts itself again for each server and each client.
	if len(args) > 0 && args[0] == serverRole {
		return serverMain(args[1:])
	}
	if len(args) > 0 && args[0] == clientRole {
		return clientMain(args[1:])
	}
	opts := parse(args)
	if err := pin(opts.pin); err != nil {
		return err
	}
	if opts.codecs {
		report, err := compareCodecs(opts)
		if err != nil {
			return err
		}
		return printReport(report, opts)
	}
	knownPeers, knownScenarios := allPeers(), allScenarios
	if opts.names {
		knownPeers, knownScenarios = namePeers(), nameScenarios
	}
	peers, err := choose("peer", knownPeers, split(opts.peers))
	if err != nil {
		return err
	}
	scenarios, err := choose("scenario", knownScenarios, split(opts.scenarios))
	if err != nil {
		return err
	}
	report, err := measureAll(peers, scenarios, opts)
	if err != nil {
		return err
	}
	return printReport(report, opts)
}

// A printer is a report of either kind.
type printer interface {
	writeJSON(out io.Writer) error
	writeText(out io.Writer) error
}

func printReport(r printer, opts options) error {
	if opts.json {
		return r.writeJSON(os.Stdout)
	}
	return r.writeText(os.Stdout)
}

func parse(args []string) options {
	var opts options
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.BoolVar(&opts.json, "json", false, "print one JSON document instead of tables")
	flags.BoolVar(&opts.codecs, "codecs", false, "compare serializers, not calls")
	flags.BoolVar(&opts.names, "names", false, "compare name servers")
	flags.IntVar(&opts.rounds, "rounds", 3, "how often each peer has its turn in each scenario")
	flags.DurationVar(&opts.duration, "duration", time.Second, "how long a turn takes; ten operations with -codecs")
	flags.StringVar(&opts.pin, "pin", pinNone, "none, or one: all processes share the first core")
	flags.StringVar(&opts.peers, "peers", "", "only these, separated by commas: "+strings.Join(names(allPeers()), ", "))
	flags.StringVar(&opts.scenarios, "scenarios", "", "only these, separated by commas: "+strings.Join(names(allScenarios), ", "))
	flags.IntVar(&opts.idle, "idle", 10_000, "connections of the scenario idle")
	_ = flags.Parse(args) // it exits by itself
	return opts
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
