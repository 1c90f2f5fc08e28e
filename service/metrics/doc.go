// Package metrics tells Prometheus of a server's connections: what is open, what was refused before any middleware saw
// it, and what was sent. Calls are counted by middleware/metrics. It is a
// package of its own, so that who serves does not link Prometheus.
package metrics
