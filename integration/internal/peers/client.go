package peers

import (
	"encoding/json"
	"sync"
	"time"
)

// answerWithin bounds one request, which may be thousands of calls.
const answerWithin = 60 * time.Second

// Request is one thing for a Python client to do. Values are Python expressions: "(1, 'two')".
type Request struct {
	// Op is one of proxy, locate, call, blob, get, set, iterate, batch, bind, release, reconnect,
	// metadata, ping, threads, callback; integration/peers/driver.py says what each does.
	Op string `json:"op"`
	// Proxy names the proxy to use, or to make.
	Proxy string `json:"proxy,omitempty"`

	// For proxy and threads, and for ping, which makes a proxy of the daemon.
	URI        string  `json:"uri,omitempty"`
	Serializer string  `json:"serializer,omitempty"`
	HMAC       string  `json:"hmac,omitempty"`
	Handshake  string  `json:"handshake,omitempty"`
	Timeout    float64 `json:"timeout,omitempty"` // seconds
	Retries    int     `json:"retries,omitempty"`

	// For call, blob, iterate, callback, threads.
	Method string `json:"method,omitempty"`
	Args   string `json:"args,omitempty"`   // a tuple; default ()
	Kwargs string `json:"kwargs,omitempty"` // a dict; default {}
	Save   string `json:"save,omitempty"`   // call: name for the proxy that is the result
	Info   string `json:"info,omitempty"`   // blob
	Limit  *int   `json:"limit,omitempty"`  // iterate: items to take, all if nil

	// For get and set.
	Attr  string `json:"attr,omitempty"`
	Value string `json:"value,omitempty"`

	// For batch.
	Calls  []Request `json:"calls,omitempty"` // Method, Args and Kwargs count
	Oneway bool      `json:"oneway,omitempty"`

	// For threads: how many, and how many calls each makes.
	Threads int `json:"threads,omitempty"`
	Count   int `json:"count,omitempty"`

	// For locate.
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`

	// Tries of reconnect; default 1.
	Tries int `json:"tries,omitempty"`

	// Sent along: values as hexadecimal digits.
	Annotations   map[string]string `json:"annotations,omitempty"`
	CorrelationID string            `json:"correlation_id,omitempty"`
}

// Seen is a value as the Python client saw it.
type Seen struct {
	Value json.RawMessage `json:"value"` // what JSON can hold of it, else the text of Repr
	Repr  string          `json:"repr"`
	Type  string          `json:"type"` // module and class: builtins.tuple
}

// Answer is what the Python client saw of a Request.
type Answer struct {
	Seen

	OK    bool       `json:"ok"`
	Error *Exception `json:"error"` // nil if OK

	Items    []Seen      `json:"items"`    // of iterate and batch; of callback its method's result
	Failure  *Exception  `json:"failure"`  // what ended iterate or batch, if not the end
	Failures []Exception `json:"failures"` // of threads

	Annotations   map[string]string `json:"annotations"` // of the reply, as hexadecimal digits
	CorrelationID string            `json:"correlation_id"`
	Seq           int               `json:"seq"`     // of metadata: the proxy's last sequence number
	Seconds       float64           `json:"seconds"` // how long it took
}

// Exception is an exception as the Python client saw it.
type Exception struct {
	Class           string            `json:"class"` // builtins.ValueError
	Text            string            `json:"text"`
	Args            string            `json:"args"`       // repr of the tuple
	Attributes      map[string]string `json:"attributes"` // reprs
	RemoteTraceback string            `json:"remote_traceback"`
	LocalTraceback  string            `json:"local_traceback"`
}

// Client is a Python process that makes calls on request.
type Client struct {
	*Process

	tb TB
	mu sync.Mutex // one request at a time
}

// Do has the request carried out. An exception is in the answer; that the client process itself
// failed ends the test.
func (c *Client) Do(request Request) Answer {
	c.tb.Helper()
	answer, err := c.do(request)
	if err != nil {
		c.tb.Fatalf("%s: %v", request.Op, err)
	}
	return answer
}

func (c *Client) do(request Request) (Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var answer Answer
	err := c.Ask(request, &answer)
	return answer, err
}

// Connect makes a proxy under a name; nothing is sent before its first use.
func (c *Client) Connect(proxy, uri string) {
	c.tb.Helper()
	if answer := c.Do(Request{Op: "proxy", Proxy: proxy, URI: uri}); !answer.OK {
		c.tb.Fatalf("proxy for %s: %s", uri, answer.Error.Text)
	}
}

// Call calls a method with a tuple of arguments, written as in Python.
func (c *Client) Call(proxy, method, args string) Answer {
	c.tb.Helper()
	return c.Do(Request{Op: "call", Proxy: proxy, Method: method, Args: args})
}
