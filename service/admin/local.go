package admin

import (
	"net"
	"net/http"
	"strings"
)

// whyNotLocal says why a request is none of somebody on this machine who means this listener; empty if it is. A web page
// whose name its owner has made one of this machine (DNS rebinding) sends a Host that is no loopback's.
func whyNotLocal(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	switch {
	case err != nil || !net.ParseIP(host).IsLoopback():
		return "this is for this machine only"
	case !isLoopbackHost(r.Host):
		return "this is for this machine only: ask localhost"
	default:
		return ""
	}
}

// whyNotHere is whyNotLocal for what nobody else may have, whatever stands between: it refuses what a proxy on this
// machine passes on, and what a browser sends for a page from elsewhere.
func whyNotHere(r *http.Request) string {
	if why := whyNotLocal(r); why != "" {
		return why
	}
	for _, passedOn := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(passedOn) != "" {
			return "this is for this machine only, and the request was passed on"
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return ""
	default:
		return "this is not for pages from elsewhere"
	}
}

// isLoopbackHost tells whether the Host of a request is a name of this machine for itself.
func isLoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
