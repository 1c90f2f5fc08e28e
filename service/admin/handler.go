package admin

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
)

// A Check is what one part of a program says of itself.
type Check struct {
	Name string
	Err  error // nil: it is well
}

// A Config says what there is to tell. The zero value only tells that the program lives.
type Config struct {
	// Ready returns the parts that have to be well for the program to be called; nil: it may always be called. It
	// should answer within a second or two: probes do not wait for long.
	Ready func(ctx context.Context) []Check
	// Metrics answers /metrics; nil: there is none.
	Metrics http.Handler
	// Config writes what /configz shows, which must hold no secrets; nil: there is none.
	Config func(w io.Writer) error
	// Profiles are at /debug/pprof, for this machine only.
	Profiles bool
	// AllowRemote answers other machines, too.
	AllowRemote bool
	// Authorized tells whether a bearer token, empty where there is none, opens all but /healthz, /readyz and the index;
	// nil: no token is needed. It should take the same time for each wrong one.
	Authorized func(token string) bool
	// TLS is what Listen speaks; nil: plain HTTP.
	TLS *tls.Config
	// Log gets what goes wrong with what Listen serves; nil discards it.
	Log *slog.Logger
}

// Handler returns what answers. Answers are not to be kept by caches. Errors of /configz and of the checks are told to
// those who are let in, so they had better name no secrets.
func Handler(cfg Config) http.Handler {
	h := &handler{cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.index)
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	h.paths = []string{"/healthz", "/readyz", "/readyz?verbose"}
	if cfg.Metrics != nil {
		mux.Handle("GET /metrics", h.authorized(cfg.Metrics))
		h.paths = append(h.paths, "/metrics")
	}
	if cfg.Config != nil {
		mux.Handle("GET /configz", h.authorized(http.HandlerFunc(h.configz)))
		h.paths = append(h.paths, "/configz")
	}
	if cfg.Profiles {
		mux.Handle("GET /debug/pprof/", h.profile(pprof.Index))
		mux.Handle("GET /debug/pprof/cmdline", h.profile(pprof.Cmdline))
		mux.Handle("GET /debug/pprof/profile", h.profile(pprof.Profile))
		mux.Handle("GET /debug/pprof/symbol", h.profile(pprof.Symbol))
		mux.Handle("POST /debug/pprof/symbol", h.profile(pprof.Symbol))
		mux.Handle("GET /debug/pprof/trace", h.profile(pprof.Trace))
		h.paths = append(h.paths, "/debug/pprof/")
	}
	return h.guarded(mux)
}

type handler struct {
	cfg   Config
	paths []string
}

// guarded lets in who may ask at all.
func (h *handler) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !h.cfg.AllowRemote {
			if why := whyNotLocal(r); why != "" {
				http.Error(w, why, http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// profile lets in who asks from this machine, and a token if there is one.
func (h *handler) profile(next http.HandlerFunc) http.Handler {
	return h.authorized(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := whyNotHere(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		next(w, r)
	}))
}

func (h *handler) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.mayAsk(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="admin"`)
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *handler) mayAsk(r *http.Request) bool {
	if h.cfg.Authorized == nil {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	return h.cfg.Authorized(token)
}

func (h *handler) index(w http.ResponseWriter, _ *http.Request) {
	plainText(w)
	_, _ = io.WriteString(w, strings.Join(h.paths, "\n")+"\n")
}

func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) {
	plainText(w)
	_, _ = io.WriteString(w, "ok\n")
}

// readyz answers 200 or 503, with ?verbose and all parts to those who may see them.
func (h *handler) readyz(w http.ResponseWriter, r *http.Request) {
	var checks []Check
	if h.cfg.Ready != nil {
		checks = h.cfg.Ready(r.Context())
	}
	ready := !slices.ContainsFunc(checks, func(c Check) bool { return c.Err != nil })
	status, text := http.StatusOK, "ok\n"
	if !ready {
		status, text = http.StatusServiceUnavailable, "not ready\n"
	}
	if !r.URL.Query().Has("verbose") || !h.mayAsk(r) {
		plainText(w)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(verbosely(ready, checks)) //nolint:errchkjson // who asked has gone
}

// readiness is the answer to /readyz?verbose.
type readiness struct {
	Ready  bool         `json:"ready"`
	Checks []checkState `json:"checks"`
}

type checkState struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"`
}

func verbosely(ready bool, checks []Check) readiness {
	all := readiness{Ready: ready, Checks: []checkState{}}
	for _, c := range checks {
		state := checkState{Name: c.Name, Ready: c.Err == nil}
		if c.Err != nil {
			state.Error = c.Err.Error()
		}
		all.Checks = append(all.Checks, state)
	}
	return all
}

func (h *handler) configz(w http.ResponseWriter, _ *http.Request) {
	var text strings.Builder
	if err := h.cfg.Config(&text); err != nil {
		http.Error(w, fmt.Sprintf("the configuration cannot be shown: %v", err), http.StatusInternalServerError)
		return
	}
	plainText(w)
	_, _ = io.WriteString(w, text.String())
}

func plainText(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain; charset=utf-8") }
