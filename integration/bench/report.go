package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
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
	Bases   []string `json:"bases"` // the peers of Results that tables compare with
	Results []result `json:"results"`
}

// result is what one peer did in one scenario: calls, or memory.
type result struct {
	Peer string `json:"peer"`

	PerSecond float64       `json:"calls_per_second,omitempty"` // median of the rounds
	Latency   time.Duration `json:"median_ns,omitempty"`        // median of the rounds' medians
	Rounds    []float64     `json:"rounds,omitempty"`           // calls per second of each

	Names        int     `json:"names,omitempty"`
	StartSeconds float64 `json:"start_seconds,omitempty"` // with a file that has them

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
	head := []string{"peer", "per second", "median"}
	if len(s.Results) > 0 && s.Results[0].Connections > 0 {
		head = []string{"peer", "connections", "server MiB", "KiB each", "client MiB"}
	}
	if len(s.Results) > 0 && s.Results[0].Names > 0 {
		head = []string{"peer", "names", "server MiB", "bytes each", "start"}
	}
	for _, base := range s.Bases {
		head = append(head, "/ "+base)
	}
	fmt.Fprintln(table, strings.Join(head, "\t")+"\t")
	for _, r := range s.Results {
		line := append([]string{r.Peer}, r.cells()...)
		for _, base := range s.Bases {
			line = append(line, s.ratio(r, base))
		}
		fmt.Fprintln(table, strings.Join(line, "\t")+"\t")
	}
	return table.Flush()
}

func (r result) cells() []string {
	const mib = 1024
	if r.Connections > 0 {
		each := float64(r.ServerKiB-r.ServerIdleKiB) / float64(r.Connections)
		return []string{
			strconv.Itoa(r.Connections), tenths(float64(r.ServerKiB) / mib), tenths(each), tenths(float64(r.ClientKiB) / mib),
		}
	}
	if r.Names > 0 {
		return []string{
			strconv.Itoa(r.Names), tenths(float64(r.ServerKiB) / mib), strconv.Itoa(r.ServerKiB * 1024 / r.Names),
			fmt.Sprintf("%.1fs", r.StartSeconds),
		}
	}
	return []string{fmt.Sprintf("%.0f", r.PerSecond), r.Latency.Round(100 * time.Nanosecond).String()}
}

func tenths(f float64) string { return fmt.Sprintf("%.1f", f) }

// ratio returns how many times another peer's value this one's is.
func (s scenarioResult) ratio(r result, other string) string {
	for _, o := range s.Results {
		if o.Peer == other && o.value() > 0 {
			return fmt.Sprintf("%.2f", r.value()/o.value())
		}
	}
	return "-"
}
