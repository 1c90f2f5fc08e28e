package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// signed makes a credential as the documentation has it.
func signed(key, principal string, at time.Time, nonce, object string) map[string]any {
	now := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join([]string{principal, now, nonce, object}, "\n")))
	return map[string]any{"principal": principal, "time": now, "nonce": nonce, "mac": hex.EncodeToString(mac.Sum(nil))}
}

func TestSignatures(t *testing.T) {
	const nonce = "0123456789abcdef"
	with := func(key string, value any) map[string]any {
		m := signed("sesame", "irma", time.Now(), nonce, "o")
		m[key] = value
		return m
	}
	tests := []struct {
		name       string
		credential func() any
		want       any
	}{
		{"a good one", func() any { return signed("sesame", "irma", time.Now(), nonce, "o") }, "irma"},
		{"at the end of the window", func() any { return signed("sesame", "irma", time.Now().Add(-30*time.Second), nonce, "o") }, "irma"},
		{"a clock that is ahead", func() any { return signed("sesame", "irma", time.Now().Add(30*time.Second), nonce, "o") }, "irma"},
		{"too old", func() any { return signed("sesame", "irma", time.Now().Add(-31*time.Second), nonce, "o") }, nil},
		{"from the future", func() any { return signed("sesame", "irma", time.Now().Add(31*time.Second), nonce, "o") }, nil},
		{"another key", func() any { return signed("tulip", "irma", time.Now(), nonce, "o") }, nil},
		{"another's name", func() any { return signed("sesame", "kees", time.Now(), nonce, "o") }, nil},
		{"nobody's name, with no key", func() any { return signed("", "nemo", time.Now(), nonce, "o") }, nil},
		{"a principal without a key", func() any { return signed("", "empty", time.Now(), nonce, "o") }, nil},
		{"another object", func() any { return signed("sesame", "irma", time.Now(), nonce, "p") }, nil},
		{"a short nonce", func() any { return signed("sesame", "irma", time.Now(), "0123456789abcde", "o") }, nil},
		{"a long nonce", func() any { return signed("sesame", "irma", time.Now(), strings.Repeat("x", 129), "o") }, nil},
		{"a nonce that goes on into the object", func() any { return signed("sesame", "irma", time.Now(), nonce+"\nx", "o") }, nil},
		{"a mac that is no hex", func() any { return with("mac", "xyz") }, nil},
		{"no mac", func() any { return with("mac", nil) }, nil},
		{"a time that is none", func() any { return with("time", "now") }, nil},
		{"another time", func() any { return with("time", "0") }, nil},
		{"another nonce", func() any { return with("nonce", "fedcba9876543210") }, nil},
		{"no dict", func() any { return "sesame" }, nil},
		{"nothing", func() any { return nil }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				verify := auth.HMAC(map[string]string{"irma": "sesame", "kees": "clogs", "empty": ""})
				who, err := verify(t.Context(), &transport.Handshake{Object: "o"}, tt.credential())
				if tt.want == nil {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, who)
			})
		})
	}
}

func TestACredentialIsAcceptedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		verify := auth.HMAC(map[string]string{"irma": "sesame", "kees": "clogs"}, auth.Window(10*time.Second), auth.Nonces(3))
		h := &transport.Handshake{Object: "o"}
		once := signed("sesame", "irma", time.Now().Add(10*time.Second), "0123456789abcdef", "o")
		use := func(c map[string]any) error {
			_, err := verify(t.Context(), h, c)
			return err
		}
		require.NoError(t, use(once))
		for range 21 { // from before it was made until it is too old
			require.Error(t, use(once))
			time.Sleep(time.Second)
		}
		require.NoError(t, use(signed("sesame", "irma", time.Now(), "0123456789abcdef", "o")), "the nonce is forgotten")
		require.NoError(t, use(signed("clogs", "kees", time.Now(), "0123456789abcdef", "o")), "another's nonce")
		require.NoError(t, use(signed("clogs", "kees", time.Now(), "0123456789abcdeg", "o")))
		require.ErrorContains(t, use(signed("clogs", "kees", time.Now(), "0123456789abcdeh", "o")), "too many")
		require.Error(t, use(signed("wrong", "kees", time.Now(), "0123456789abcdeh", "o")))
		time.Sleep(21 * time.Second)
		require.NoError(t, use(signed("clogs", "kees", time.Now(), "0123456789abcdeh", "o")))
	})
}

func TestASignedHandshake(t *testing.T) {
	verify := auth.Verify(auth.HMAC(map[string]string{"irma": "sesame"}))
	pair, err := pairtest.Serve(whoami(), service.Use(verify))
	require.NoError(t, err)
	defer func() { require.NoError(t, pair.Close()) }()
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		for _, serializer := range []string{"serpent", "json", "marshal"} {
			p, err := pair.Connect(service.Dialect(d), service.Serializer(serializer), service.Use(auth.Sign("irma", "sesame")))
			require.NoError(t, err)
			for range 2 {
				who, err := service.Call[string](t.Context(), p, "am_i")
				require.NoError(t, err)
				require.Equal(t, "irma", who)
				require.NoError(t, p.Release(), "the next call connects anew, with another signature")
			}
		}
		p, err := pair.Connect(service.Dialect(d), service.Use(auth.Sign("irma", "guessed")))
		require.NoError(t, err)
		require.ErrorIs(t, service.Do(t.Context(), p, "am_i"), transport.ErrUnauthenticated)
	}
}

func ExampleSign() {
	client := auth.Sign("irma", "sesame")
	server := auth.Verify(auth.HMAC(map[string]string{"irma": "sesame"}))

	var overheard codec.Value
	accept := server.Handshake(func(_ context.Context, h *transport.Handshake) (*transport.Welcome, error) {
		overheard = h.Value
		fmt.Println("welcome,", h.Peer.Principal)
		return &transport.Welcome{}, nil
	})
	_, err := client.Handshake(accept)(context.Background(), &transport.Handshake{Object: "bank", Peer: &transport.Peer{}})
	fmt.Println(err)
	_, err = accept(context.Background(), &transport.Handshake{Object: "bank", Peer: &transport.Peer{}, Value: overheard})
	fmt.Println(err)
	// Output:
	// welcome, irma
	// <nil>
	// authentication failed
}

func BenchmarkHMAC(b *testing.B) {
	verify := auth.HMAC(map[string]string{"irma": "sesame"}, auth.Nonces(1<<30))
	h := &transport.Handshake{Object: "o"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := signed("sesame", "irma", time.Now(), fmt.Sprintf("%016d", i), "o")
		if _, err := verify(b.Context(), h, c); err != nil {
			b.Fatal(err)
		}
	}
}
