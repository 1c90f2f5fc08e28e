// Package metrics counts calls and connections for Prometheus, on servers and proxies alike:
//
//	pyro_calls_total{side,kind,object,method,dialect,code}                a counter
//	pyro_call_duration_seconds{side,kind,object,method,dialect}           a histogram
//	pyro_calls_in_flight{side,kind,object,method}                         a gauge
//	pyro_received_bytes_total{side,kind,object,method,dialect}            a counter
//	pyro_handshakes_total{side,dialect,code}                              a counter
//	pyro_connections{dialect}                                             a gauge, of servers
//
// side is "server" or "client", kind that of transport.Kind, dialect "pyro4", "pyro5", or "unknown" for a call
// that found no connection, code "ok" or that of the error ("not_found"). The entries of a batch are calls of
// their own on a server, the batch is one on a client. The duration of a one-way call is, on a client, the time
// to send it. Received bytes are those of arguments on a server, of results on a client, encoded and inflated;
// what is sent is encoded later than a middleware sees it. It is in the
// numbers of service/metrics, with the connections and calls that are refused before a middleware sees them.
//
// What a peer makes up becomes no label: objects and methods that are not there are "other", and so are those
// beyond [MaxMethods].
//
// Nothing is registered but with the Registerer that is given.
package metrics
