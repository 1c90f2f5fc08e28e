// Package tlsfiles makes TLS configurations from files, as servers and clients are run: certificate and key,
// be it encrypted, the CAs that peers are checked against, and what a peer's certificate has to say.
// Files that change are used from the next handshake on, without a restart.
//
//	files, err := tlsfiles.New(tlsfiles.Config{
//		Cert:              "/etc/stock/cert.pem",
//		Key:               "/etc/stock/key.pem",
//		Password:          tlsfiles.PasswordFile("/run/secrets/stock"),
//		CAs:               []string{"/etc/stock/ca.pem"},
//		RequireClientCert: true,
//		Peer:              tlsfiles.Attributes{Organization: []string{"Stock Ltd"}},
//	})
//
// For a server:
//
//	cfg, err := files.Server()
//	srv := service.NewServer(service.Listen("tcp", "localhost:9999"), service.ServerTLS(cfg))
//
// For a client, of whichever server it meets, and of the name server that is asked for it:
//
//	p, err := service.Connect(uri, service.TLSFiles(files))
//
// For who registers with a name server:
//
//	names := nameserver.Registrar(pyro.DialConfig{Dial: files.Dialer(nil)}, "names.example.org")
//
// # How Pyro's items are called here
//
//	SSL_SERVERCERT, SSL_CLIENTCERT                Config.Cert
//	SSL_SERVERKEY, SSL_CLIENTKEY                  Config.Key
//	SSL_SERVERKEYPASSWD, SSL_CLIENTKEYPASSWD      Config.Password
//	SSL_CACERTS                                   Config.CAs; a Python client trusts the system's
//	                                              roots as well: Config.SystemRoots
//	SSL_REQUIRECLIENTCERT                         Config.RequireClientCert
//	the daemon's validateHandshake                Config.Peer and Config.Check
//
// Python takes a certificate that has only a common name for that host, and those that come with Pyro are
// such. Go does not, unless Config.AllowCommonName says so.
//
// The package knows certificates and files; it knows no frames, and nobody who serves or calls.
package tlsfiles
