package main

// mixed is a client of one peer with a server of another.
type mixed struct {
	name   string
	client peer
	server peer
}

func (p mixed) String() string { return p.name }

func (p mixed) can(s scenario) bool {
	return !s.idle && !s.shared && p.client.can(s) && p.server.can(s)
}

func (p mixed) startServer(s scenario) (server, error) { return p.server.startServer(s) }

func (p mixed) measure(s scenario, address string, opts options) (measurement, error) {
	return p.client.measure(s, address, opts)
}

func (p mixed) startIdle(address string, count int) (process, error) {
	return p.client.startIdle(address, count)
}
