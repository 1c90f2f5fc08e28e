package peers

import (
	"encoding/json"
	"fmt"
	"time"
)

// Ask sends a program a request, a line of JSON, and reads its answer, another. One request at a time.
func (p *Process) Ask(request, answer any) error {
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if _, err := p.stdin.Write(append(data, '\n')); err != nil {
		return p.failure("takes no more requests")
	}
	line, err := p.line(time.After(answerWithin))
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(line), answer); err != nil {
		return fmt.Errorf("answer %.1000q: %w", line, err)
	}
	return nil
}
