// Package service is what users write against: a [Service] makes Go functions and properties callable
// from Python, a [Server] answers for services on listeners, and a [Proxy] calls objects on the other
// end as if they were Go's own.
//
//	greeter := service.New("example.greeting")
//	greeter.Method("get_fortune", func(name string) string { return "Hello " + name })
//	srv := service.NewServer(service.Listen("tcp", "localhost:9999"))
//	err := srv.Add(greeter)
//	err = srv.Run(ctx)
//
// and on the other side
//
//	p, err := service.Connect("PYRO:example.greeting@localhost:9999")
//	text, err := service.Call[string](ctx, p, "get_fortune", "Irmen")
//
// Calls can wait for each other less: a [Batch] sends many of them in one message, [Go] makes one in the
// background and returns a [Future], to which [Then] and [Future.IfError] add what is to follow.
//
// Objects travel as proxies: a *[Proxy], and a *[Service] that a running server answers for, arrive at the
// other end as a proxy for the object, Python's proxies and registered objects arrive here as *Proxy. A
// [SerializedBlob] is passed on without being decoded.
//
// Nothing is reachable that was not named. The package knows objects, functions and names; frames and
// bytes are the business of transport/pyro, values that of codec.
package service
