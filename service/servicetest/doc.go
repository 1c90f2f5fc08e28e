// Package servicetest is for tests of programs that serve or call objects: a server in memory, a network
// between it and its callers that breaks when the test says so, and conversations with a real Python
// peer that were recorded once and are played back from then on.
//
//	func TestGreeting(t *testing.T) {
//		srv := servicetest.NewServer(t, newGreeter())
//		p := srv.Connect(t, "example.greeting")
//		text, err := service.Call[string](t.Context(), p, "get_fortune", "Irmen")
//		...
//	}
//
// There is no socket, port or file. Everything else is real: values are encoded, frames are written and
// read, connections shake hands, in whichever dialect and serializer the proxy's options name. The server
// ends with the test, which fails when calls, connections or goroutines are left behind.
//
// # Faults
//
// A [Network] has a [Link] for each connection. Faults are set link by link; [Network.Each] sets them for
// all links, those to come included:
//
//	srv.Network.Refuse()                                          // nobody can connect
//	srv.Network.Cut()                                             // all connections are gone
//	srv.Network.Each(func(l *servicetest.Link) {
//		l.Delay(servicetest.ToClient, 50*time.Millisecond)    // what is sent arrives later
//		l.Split(servicetest.Both, 1)                          // and byte by byte
//		l.CutAfterMessages(servicetest.ToServer, 2)           // the reply to the first call is lost
//	})
//	srv.Network.Heal()                                            // all is well again
//
// Faults count bytes and messages, never time that has passed by chance. Delays and timeouts are exact,
// and take no time at all, in a bubble of testing/synctest: a Network that is made in a bubble lives in
// it, with its servers and proxies.
//
// # Several servers
//
// A program of several servers has them all on one Network, each at an address of its own:
//
//	net := servicetest.NewNetwork(t)
//	stock := net.NewServer(t, "stock:9090", newStock())
//	shop := net.NewServer(t, "shop:9090", newShop(service.DialWith(net.DialContext)))
//	p := shop.Connect(t, "example.shop")
//
// # Recorded peers
//
// [Record] keeps a conversation with a real peer in a file, [Replay] answers from that file. A test that
// knows both runs against Python when it is told to, and without it everywhere else.
package servicetest
