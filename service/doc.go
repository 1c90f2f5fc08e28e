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
// # Serving
//
// [Service.Method] takes functions as they are, [Service.Property] makes attributes, [Of] exposes the methods
// of a value; [PerSession], [PerCall] and [Single] make the value when callers come. Python passes arguments
// by name where [Params] or [KwargsStruct] say so. [Server.Add] reports what is wrong with a service, all at
// once; [Server.Run] serves until a context ends, and [Server.Start] in the background. [Serve] is short for
// all of it.
//
// A method that takes a context.Context finds the call in it: [transport.FromContext] gives the caller
// (address, dialect, serializer, certificates, principal), the annotations that came, and a place for
// those that go back with the reply. [ServerFrom] and [ServiceFrom] are what answers, [Track] has something
// closed when the caller's connection ends. Calls made with that context carry its correlation id on, and it
// ends when the caller is gone.
//
// An error that a method returns is raised at the caller: [transport.NewError] chooses the exception,
// [transport.RegisterException] makes one of a Go type; any other error becomes the one that fits what it
// is, else a RuntimeError.
//
// # Calling
//
// [Connect] makes a proxy and does not connect yet. [Call] decodes the result into the type that is asked for, [Do]
// drops it, [Get] and [Set] are for attributes, [Stream] walks a remote iterator. Among the arguments,
// [Kwargs] are those that are passed by name, and a [CallOption] such as [Timeout] is for this call alone. The error
// is a *[transport.Error], which tells what the object has raised from what went wrong on the way.
//
// Calls can wait for each other less: a [Batch] sends many of them in one message, [Go] makes one in the
// background and returns a [Future], to which [Then] and [Future.IfError] add what is to follow.
//
// Objects travel as proxies: a *[Proxy], and a *[Service] that a running server answers for, arrive at the
// other end as a proxy for the object, Python's proxies and registered objects arrive here as *Proxy. A
// [SerializedBlob] is passed on without being decoded.
//
// # Around it
//
// [Use] puts middlewares around the calls of either end: those of the packages below middleware, or a
// [transport.Middleware] of one's own. [Announce] has a name server know of the services, [Balance] makes one
// proxy of several objects, [Health] tells whether a server can be called, and [HealthCheck] heeds that. [FromEnv]
// reads the variables that Pyro's users know. Package servicetest tests services and their callers without a port;
// package codec says what becomes of each value.
//
// Nothing is reachable that was not named. The package knows objects, functions and names; frames and
// bytes are the business of transport/pyro, values that of codec.
package service
