package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults of [HMAC].
const (
	DefaultWindow = 30 * time.Second
	DefaultNonces = 100_000
)

// Keys of a signed credential, all texts.
const (
	keyPrincipal = "principal"
	keyTime      = "time"  // seconds since 1970, a decimal integer
	keyNonce     = "nonce" // 16 to 128 characters that never come twice
	keyMAC       = "mac"   // hexadecimal digits
)

const (
	minNonce = 16
	maxNonce = 128
)

// Sign returns the middleware of a client that proves to know the key of principal without saying it: in each
// handshake it says
//
//	{"principal": ..., "time": ..., "nonce": ..., "mac": ...}
//
// where mac is the HMAC-SHA256, in hexadecimal digits, of principal, time, nonce and the object of the URI
// with newlines between them. What was said once is worth nothing to who overheard it. The messages that
// follow are not protected: that takes TLS.
func Sign(principal, key string) transport.Middleware {
	return transport.Middleware{
		Name:  "auth",
		Order: said,
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
				now, nonce := strconv.FormatInt(time.Now().Unix(), 10), rand.Text()
				h.Value = codec.ValueOf(map[string]any{
					keyPrincipal: principal, keyTime: now, keyNonce: nonce,
					keyMAC: hex.EncodeToString(macOf(key, principal, now, nonce, h.Object)),
				})
				return next(ctx, h)
			}
		},
	}
}

func macOf(key string, parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join(parts, "\n")))
	return mac.Sum(nil)
}

// An HMACOption sets up [HMAC].
type HMACOption func(*hmacVerifier)

// Window is how far a client's clock may differ from the server's; default 30 s.
func Window(d time.Duration) HMACOption { return func(v *hmacVerifier) { v.window = d } }

// Nonces is how many credentials are remembered, each for twice the window, some 200 bytes each; default 100,000.
// While there are as many, further clients are denied rather than a replay let through.
func Nonces(n int) HMACOption { return func(v *hmacVerifier) { v.most = n } }

// replays is what the verifiers remember that are made from configuration: a chain that is made anew forgets
// nothing, nor is a signature good for two servers of a process.
var replays = newMemory()

func sharedMemory() HMACOption { return func(v *hmacVerifier) { v.memory = replays } }

// HMAC returns a Verifier of what [Sign] says: keys maps the name of each principal to its key. Each credential
// is accepted once, for the object that it was made for, while it is young. An empty key belongs to nobody. What was
// used is known to this Verifier, and until the process ends: one of another process, or that was started anew,
// accepts what is still young once more.
func HMAC(keys map[string]string, opts ...HMACOption) Verifier {
	v := &hmacVerifier{keys: map[string]string{}, window: DefaultWindow, most: DefaultNonces, memory: newMemory()}
	for name, key := range keys {
		if key != "" && !strings.Contains(name, "\n") {
			v.keys[name] = key
		}
	}
	for _, o := range opts {
		o(v)
	}
	return v.verify
}

type hmacVerifier struct {
	keys   map[string]string
	window time.Duration
	most   int
	memory *memory
}

// A memory is what was used.
type memory struct {
	mu    sync.Mutex
	seen  map[string]struct{}
	queue []used // in the order of their use
}

func newMemory() *memory { return &memory{seen: map[string]struct{}{}} }

// used is a credential that was used, until it is too old to be accepted anyway.
type used struct {
	id  string
	end time.Time
}

var (
	errForm   = errors.New("the credential is not signed")
	errSigned = errors.New("the signature is wrong")
	errAge    = errors.New("the credential is too old, or from the future")
	errReplay = errors.New("the credential was used before")
	errFull   = errors.New("too many credentials to remember")
)

func (v *hmacVerifier) verify(_ context.Context, h *transport.Handshake, credential any) (any, error) {
	fields, ok := credential.(map[string]any)
	if !ok {
		return nil, errForm
	}
	principal, _ := fields[keyPrincipal].(string)
	at, _ := fields[keyTime].(string)
	nonce, _ := fields[keyNonce].(string)
	signed, _ := fields[keyMAC].(string)
	if len(nonce) < minNonce || len(nonce) > maxNonce || strings.Contains(nonce, "\n") {
		return nil, errForm
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil, errForm
	}
	mac, err := hex.DecodeString(signed)
	if err != nil {
		return nil, errForm
	}
	key, known := v.keys[principal] // the work is the same for names that nobody has
	if !hmac.Equal(mac, macOf(key, principal, at, nonce, h.Object)) || !known {
		return nil, errSigned
	}
	now := time.Now()
	if age := now.Sub(time.Unix(seconds, 0)); age > v.window || age < -v.window {
		return nil, fmt.Errorf("%w: its time differs from this clock by %s, more than %s", errAge, age.Abs().Round(time.Second), v.window)
	}
	return principal, v.memory.use(principal+"\n"+nonce, now, now.Add(2*v.window), v.most)
}

// use takes note that a credential was used, which counts until end, unless as many as most are remembered. Only
// those with a good signature come here.
func (m *memory) use(id string, now, end time.Time, most int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) > 0 && now.After(m.queue[0].end) {
		delete(m.seen, m.queue[0].id)
		m.queue[0] = used{}
		m.queue = m.queue[1:]
	}
	if _, ok := m.seen[id]; ok {
		return errReplay
	}
	if len(m.queue) >= most {
		return errFull
	}
	m.seen[id] = struct{}{}
	m.queue = append(m.queue, used{id: id, end: end})
	return nil
}
