package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

type codecReport struct {
	Environment environment   `json:"environment"`
	Python      string        `json:"python"` // versions
	Results     []codecResult `json:"results"`
}

// A codecResult is what an operation of a serializer takes, beside Python's Pyro and encoding/json with
// the same value. Figures are the best of the rounds: nothing waits here for anything else, and what
// else the machine does only adds.
type codecResult struct {
	Serializer string  `json:"serializer"`
	Value      string  `json:"value"`
	Operation  string  `json:"operation"`
	Go         figure  `json:"go"`
	Python     *figure `json:"python,omitempty"`
	JSON       *figure `json:"encoding_json,omitempty"`
}

func newCodecReport(opts options, versions string, tasks []task, figures map[cell][]figure) *codecReport {
	r := &codecReport{Environment: describe(opts), Python: versions}
	best := func(at cell) *figure {
		all := figures[at]
		if len(all) == 0 {
			return nil
		}
		f := slices.MinFunc(all, func(x, y figure) int { return cmp.Compare(x.Nanoseconds, y.Nanoseconds) })
		return &f
	}
	for _, t := range tasks {
		if t.serializer == goJSON {
			continue // it stands beside the others
		}
		there, inJSON := t.operation, t.operation
		if there != encode {
			there = decode
		}
		if inJSON == decodeShared {
			inJSON = decodeTyped
		}
		r.Results = append(r.Results, codecResult{
			Serializer: t.serializer, Value: t.value, Operation: t.operation,
			Go:     *best(cell{"", t.serializer, t.value, t.operation}),
			Python: best(cell{"python", t.serializer, t.value, there}),
			JSON:   best(cell{"", goJSON, t.value, inJSON}),
		})
	}
	return r
}

func (r *codecReport) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func (r *codecReport) writeText(out io.Writer) error {
	e := r.Environment
	fmt.Fprintf(out, "%s %s, %d CPUs, GOMAXPROCS %d, pin %s; %s; best of %d rounds\n",
		e.Go, e.System, e.CPUs, e.GOMAXPROCS, e.Pin, r.Python, e.Rounds)
	for _, v := range []struct{ value, title string }{
		{nested, "A nested value of about 1 KiB; MB/s of its encoding"},
		{blob, "1 MiB of bytes; MB/s of the bytes"},
	} {
		fmt.Fprintf(out, "\n%s\n", v.title)
		if err := r.writeTable(out, v.value); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(out, `
A ratio is how many times as fast Go is, by time: encodings differ in length. Python decodes in one
way only, and leaves bytes in serpent a dict with base64. What is shared is not copied.
`)
	return err
}

func (r *codecReport) writeTable(out io.Writer, value string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "serializer\toperation\tMB/s\tallocs\tPython MB/s\tratio\tencoding/json MB/s\tratio\t")
	for _, x := range r.Results {
		if x.Value == value {
			fmt.Fprintf(table, "%s\t%s\t%.0f\t%.0f\t%s\t%s\t\n", x.Serializer, x.Operation, x.Go.megabytes(), x.Go.Allocs,
				x.Go.beside(x.Python), x.Go.beside(x.JSON))
		}
	}
	return table.Flush()
}

// beside returns the rate of another figure, and how many times as fast f is.
func (f figure) beside(other *figure) string {
	if other == nil {
		return "-\t-"
	}
	return fmt.Sprintf("%.0f\t%.2f", other.megabytes(), other.Nanoseconds/f.Nanoseconds)
}
