package service

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/transport/pyro"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// FromEnv returns what the environment says with the variables that Pyro's users know, such as PYRO_HOST and
// PYRO_COMMTIMEOUT, as one option for servers and proxies. lookup is os.LookupEnv, or what takes its place.
// Given first, it stands behind the options that code gives after it:
//
//	env, err := service.FromEnv(os.LookupEnv)
//	...
//	srv := service.NewServer(env, service.Listen("tcp", "0.0.0.0:4242"))
//
// Each item that means something here is read; docs/configuration.md lists them all, with the option that
// does the same. Values are read as Pyro reads them; the error names the variables whose values make no
// sense. Variables of other names are left alone.
func FromEnv(lookup func(name string) (string, bool)) (Option, error) {
	v, err := pyroenv.Read(lookup)
	err = errors.Join(err, v.Check(), checkSerializers(v))
	advertise, wrong := v.Advertise()
	if wrong != nil {
		port, _ := v.Int("NATPORT")
		err = errors.Join(err, pyroenv.Wrongf("NATPORT", port, "%w", wrong))
	}
	nameServers := nameServersOf(v)
	server := func(c *serverConfig) error {
		for _, f := range v.Server() {
			f.Set(c.pb)
		}
		c.defaults = listenDefaults{host: v.Text("HOST"), advertise: advertise}
		return c.secure(v)
	}
	proxy := func(c *proxyConfig) error {
		for _, f := range v.Proxy() {
			f.Set(c.pb)
		}
		if v.Text("SERIALIZER") != "" {
			c.unasked = ""
		}
		if nameServers != nil {
			c.pb.NameServers = nameServers
		}
		port, _ := v.Int("NS_BCPORT")
		c.broadcastDefaults = broadcastConfig{int(port), v.BroadcastAddresses()}
		return c.secure(v)
	}
	return bothOption{server, proxy}, err
}

func checkSerializers(v *pyroenv.Values) error {
	var errs []error
	check := func(item string, names ...string) {
		for _, name := range names {
			if err := pyro.CheckSerializer(name); err != nil {
				errs = append(errs, pyroenv.Wrongf(item, strings.Join(names, ","), "%w", err))
			}
		}
	}
	check("SERIALIZERS_ACCEPTED", v.List("SERIALIZERS_ACCEPTED")...)
	if name := v.Text("SERIALIZER"); name != "" {
		check("SERIALIZER", name)
	}
	return errors.Join(errs...)
}

// nameServersOf is where NS_HOST and NS_PORT say that the name server is; nil if neither says anything.
func nameServersOf(v *pyroenv.Values) []string {
	host := v.Text("NS_HOST")
	port, hasPort := v.Int("NS_PORT")
	switch {
	case host == "" && !hasPort:
		return nil
	case strings.HasPrefix(host, "./u:"):
		return []string{host}
	case !hasPort:
		port = pyro.DefaultNSPort
	}
	return []string{pyroenv.HostPort(orText(host, "localhost"), port)}
}

// secure has the server speak TLS, if the SSL items say so.
func (c *serverConfig) secure(v *pyroenv.Values) error {
	cfg, on := v.TLS(pyroenv.ServerEnd)
	if !on {
		return nil
	}
	files, err := tlsfiles.New(cfg)
	if err == nil {
		c.tls, err = files.Server()
	}
	return sslError(err)
}

// secure has the proxy speak TLS where no option says how it connects, if the SSL items say so.
func (c *proxyConfig) secure(v *pyroenv.Values) error {
	cfg, on := v.TLS(pyroenv.ClientEnd)
	if !on {
		return nil
	}
	files, err := tlsfiles.New(cfg)
	c.defaultDialer = func(prefer int) dialFunc { return files.Dialer((&pyro.Dialer{Prefer: prefer}).DialContext) }
	return sslError(err)
}

func sslError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("PYRO_SSL: %w", err)
}
