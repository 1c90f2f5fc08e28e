// Package program runs what a configuration file describes: a log, a server with its services and chain, a name server,
// proxies, traces, metrics, and a listener for those who look after it. It is what pyroctl run does, for programs with
// services of their own:
//
//	p, err := program.New([]string{"quotes.yaml"})
//	...
//	err = p.Server().Add(quotes)       // beside the services of the file
//	stock, err := p.Proxy("stock")     // as the file describes it
//	err = p.Run(ctx)                   // until ctx ends; then it drains
//
// What no file can hold is given to New with [ServerOptions] and [ProxyOptions].
//
// # What changes while it runs
//
// SIGHUP, a change of the files where reload.watch is set, and [Program.Reload] read the configuration again. With an
// error in it all stays as it was. What counts at once:
//
//	log.level, log.output             the file is opened anew in any case
//	server.limits, server.chain       and those of name_server.server
//	services                          those that came, went or changed
//	proxies[...].chain                and proxies that are new
//	admin.token
//
// A middleware whose settings and secrets are the same keeps what it knows. Certificates, keys and authorities are
// followed without a reload. All else that differs is logged as what needs a restart, and stays as it was; so does a
// secret outside of chains, such as an HMAC key, whose value has changed, and a chain that no longer authenticates or
// authorizes: what a half-written file says must not open a server to everybody.
//
// The package puts the others together; it knows nothing that they know. It links what they link: SQLite for name
// servers, OTLP for traces, Prometheus. Who wants less takes package config, which makes options of messages.
package program
