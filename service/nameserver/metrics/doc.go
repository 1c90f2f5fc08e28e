// Package metrics gives the numbers of a name server to Prometheus. It is a package of its own, so that who wants a
// name server does not link Prometheus.
package metrics
