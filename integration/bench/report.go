package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

type report struct {
	Environment environment      `json:"environment"`
	Scenarios   []scenarioResult `json:"scenarios"`
}

type environment struct {
	Go         string `json:"go"`
	System     string `json:"system"`
	CPUs       int    `json:"cpus"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Pin        string `json:"pin"`
	Rounds     int    `json:"rounds"`
	Duration   string `json:"duration"`
}

type scenarioResult struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Results []result `json:"results"`
}

// result is what one peer did in one scenario: calls, or memory.
type result struct {
	Peer string `json:"peer"`

	PerSecond float64       `json:"calls_per_second,omitempty"` // median of the rounds
	Latency   time.Duration `json:"median_ns,omitempty"`        // median of the rounds' medians
	Rounds    []float64     `json:"rounds,omitempty"`           // calls per second of each

	Connections   int `json:"connections,omitempty"`
	ServerIdleKiB int `json:"server_idle_kib,omitempty"` // before any connection
	ServerKiB     int `json:"server_kib,omitempty"`
	ClientKiB     int `json:"client_kib,omitempty"`
}

// value is what ratios are made of.
func (r result) value() float64 {
	if r.Connections > 0 {
		return float64(r.ServerKiB)
	}
	return r.PerSecond
}

func (r *report) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func (r *report) writeText(out io.Writer) error {
	e := r.Environment
	fmt.Fprintf(out, "%s %s, %d CPUs, GOMAXPROCS %d, pin %s; medians of %d rounds of %s\n",
		e.Go, e.System, e.CPUs, e.GOMAXPROCS, e.Pin, e.Rounds, e.Duration)
	for _, s := range r.Scenarios {
		fmt.Fprintf(out, "\n%s\n", s.Title)
		if err := s.writeText(out); err != nil {
			return err
		}
	}
	return nil
}

func (s scenarioResult) writeText(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(s.Results) > 0 && s.Results[0].Connections > 0 {
		fmt.Fprintln(table, "peer\tconnections\tserver MiB\tKiB each\tclient MiB\tserver / bare\t/ net/rpc\t")
	} else {
		fmt.Fprintln(table, "peer\tcalls/s\tmedian\tcalls / bare\t/ net/rpc\t")
	}
	for _, r := range s.Results {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\n", r.Peer, r.cells(), s.ratio(r, "bare"), s.ratio(r, "net/rpc"))
	}
	return table.Flush()
}

func (r result) cells() string {
	const mib = 1024
	if r.Connections > 0 {
		each := float64(r.ServerKiB-r.ServerIdleKiB) / float64(r.Connections)
		return fmt.Sprintf("%d\t%.1f\t%.1f\t%.1f", r.Connections, float64(r.ServerKiB)/mib, each, float64(r.ClientKiB)/mib)
	}
	return fmt.Sprintf("%.0f\t%s", r.PerSecond, r.Latency.Round(100*time.Nanosecond))
}

// ratio returns how many times another peer's value this one's is.
func (s scenarioResult) ratio(r result, other string) string {
	for _, o := range s.Results {
		if o.Peer == other && o.value() > 0 {
			return fmt.Sprintf("%.2f", r.value()/o.value())
		}
	}
	return "-"
}
