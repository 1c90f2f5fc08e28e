package main

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A target is what a command line is about, as far as it is known. Hints name it.
type target struct {
	uri      string // as it was given
	location string // of the daemon
}

// aimAt remembers the target.
func (f *factory) aimAt(uri string, u pyro.URI) {
	t := target{uri: uri}
	if u.Protocol == pyro.ProtocolPyro {
		t.location = u.Location()
	}
	f.subject.Store(&t)
}

// foundAt remembers where the target was found to be.
func (f *factory) foundAt(location string) {
	if t := f.subject.Load(); t != nil {
		f.subject.Store(&target{uri: t.uri, location: location})
	}
}

// hintFor says what to do about err, where that is known.
func (f *factory) hintFor(cmd *cobra.Command, err error, e *transport.Error, exit int) string {
	if hinted, ok := errors.AsType[*hintedError](err); ok {
		return hinted.hint
	}
	text := err.Error()
	switch {
	case isConfigError(err):
		return ""
	case exit == exitUsage:
		return "try: " + cmd.CommandPath() + " --help"
	case exit == exitInterrupted:
		return ""
	case strings.Contains(text, "NamingError: regex took too long"):
		return "the name server looks for 2s at most; an expression that begins with plain text has it look at fewer names, " +
			"--prefix chooses by nothing else"
	case strings.Contains(text, "doesn't support metadata"):
		return "dbm files keep none; entries can be chosen by --prefix and --regex"
	case e.Remote && exit == exitFailed && len(e.Traceback) > 0 && !f.flags.traceback:
		return "--traceback shows where it was raised"
	case e.NoSuchMember:
		return f.fill(cmd, "what the object exposes: pyroctl describe {uri}{flags}", text, "")
	case strings.Contains(err.Error(), "the peer may speak no TLS"):
		return f.fill(cmd, "leave --tls out, or see what the peer speaks: pyroctl wire {at}", text, "the peer may speak no TLS")
	case !e.Remote && strings.Contains(err.Error(), ": invalid data"):
		return f.fill(cmd, "something listens there that is no Pyro daemon: pyroctl wire {at}{flags}", text, ": invalid data")
	case strings.Contains(err.Error(), "tls: certificate required"):
		return "the server wants a certificate of an authority that it trusts: --tls-cert FILE, " +
			"and --tls-key FILE where the key is in another one"
	case isTLSError(err):
		return "check --tls-ca, --tls-server-name and whether the peer speaks TLS at all"
	}
	if strings.Contains(text, "locate the name server") && strings.Contains(text, ": no such host") {
		return "the name server's host is not known here: is its name right? --ns HOST:PORT names another one"
	}
	if strings.Contains(text, "locate the name server") && strings.Contains(text, ": unknown object") {
		return f.fill(cmd, "a Pyro daemon listens there that is no name server: pyroctl objects {at}{flags}", text, ": unknown object")
	}
	for _, h := range f.hints(cmd) {
		if strings.Contains(text, h.text) {
			return f.fill(cmd, h.hint, text, h.text)
		}
	}
	if e.Code == transport.CodeDeadlineExceeded {
		return f.fill(cmd, "give it more time with --timeout (now "+f.flags.timeout.String()+
			"), or see whether it answers at all: pyroctl ping {at}{flags}", text, "")
	}
	return ""
}

// A hint is for errors with a text in them. In it {uri} and {at} stand for the target and where it is, and
// {flags} for the connection flags that were given.
type hint struct{ text, hint string }

// hints returns what is known about errors; the first one that fits counts.
func (f *factory) hints(cmd *cobra.Command) []hint {
	busy := f.busyHint(cmd)
	unknown := "the host is not known here: servers announce what they were told to listen on"
	if f.serving != nil {
		unknown = "want a name or an address of this machine; 0.0.0.0 is all of them"
	}
	denied := "ports below 1024 are for root, or for who has CAP_NET_BIND_SERVICE: --port PORT takes another one"
	if f.serving != nil && f.serving.unix != "" {
		denied = "this user cannot make a file in the folder of " + f.serving.unix + ": --unix PATH takes another one"
	}
	unanswered := "nothing came back: the machine is off or another one, a firewall drops what is sent to the port, or --timeout (now " +
		f.flags.timeout.String() + ") is short"
	return []hint{
		{"answer broadcasts: ", "--bchost and --bcport say where to, --no-broadcast does without"},
		{"metrics: listen ", "--metrics HOST:PORT takes another address"},
		{"hmac", f.keyHint("both ends need the same key")},
		{"signed messages only", f.keyHint("give the key that signs them")},
		{"authentication failed", f.credentialHint()},
		{"speaks the other dialect", "leave --dialect out, and --hmac-key-env, which means Pyro4, to find out what the peer speaks"},
		{"serializer that is not accepted", "see which ones are: pyroctl wire {at}{flags}"},
		{
			"closed the connection during the handshake",
			"it may speak TLS (--tls), not accept the serializer, or be no Pyro daemon: pyroctl wire {at}{flags}",
		},
		{"the peer speaks TLS", "try --tls, with --tls-ca FILE where its certificate is of an authority of your own"},
		{"connection reset by peer", "it may speak TLS, or be no Pyro daemon: try --tls, or pyroctl wire {at}{flags}"},
		{"no answer to the handshake", "something listens there, but it is busy or no Pyro daemon: pyroctl wire {at}{flags}"},
		{"(dial tcp: lookup ", "nobody says which address the host has: is its name right?"},
		{"(dial tcp ", unanswered},
		{": i/o timeout", unanswered},
		{"connection timed out", unanswered},
		{"no route to host", "the machine is off, or a firewall refuses what is sent to the port"},
		{"locate the name server", f.nameServerHint()},
		{"unknown name: ", "the names that are known: pyroctl ns list{flags}"},
		{"unknown object", "the objects that are there: pyroctl objects {at}{flags}"},
		{"address already in use", busy},
		{"Only one usage of each socket address", busy}, // Windows
		{"connection refused", "nothing listens there: is the server running, and is this its address?"},
		{"connect: no such file", "nothing listens there: is the server running, and is this its socket?"},
		{"no such host", unknown},
		{"bind: permission denied", denied},
		{"cannot assign requested address", "this machine has no such address; 0.0.0.0 stands for all addresses that it has"},
	}
}

func (f *factory) keyHint(what string) string {
	if name := f.flags.hmacKeyEnv; name != "" {
		return what + ": the one that was used is in the variable " + name
	}
	return what + ": --hmac-key-env VARIABLE"
}

func (f *factory) credentialHint() string {
	if name := f.flags.credentialEnv; name != "" {
		return "the server does not know the token in the variable " + name
	}
	return "the server asks who connects: --credential-env VARIABLE names the token to say"
}

// nameServerHint tells how to start a name server where one was looked for.
func (f *factory) nameServerHint() string {
	start := "pyroctl ns serve"
	asked := f.flags.nameServers
	if t := f.subject.Load(); t != nil {
		if u, err := pyro.ParseURI(t.uri); err == nil && u.Protocol == pyro.ProtocolPyroName && u.Location() != "" {
			asked = []string{u.Location()}
		}
	}
	if len(asked) == 1 {
		if path, ok := strings.CutPrefix(asked[0], "./u:"); ok {
			start += " --unix " + shellQuoted(path)
		} else if host, port, err := net.SplitHostPort(asked[0]); err == nil {
			start += " --host " + shellQuoted(host) + " --port " + shellQuoted(port)
		}
	}
	return "start one with: " + start + ", or say where it is: --ns HOST:PORT"
}

// busyHint is for a server whose address another program has.
func (f *factory) busyHint(cmd *cobra.Command) string {
	switch s := f.serving; {
	case s == nil:
		return ""
	case s.unix != "":
		return "another program listens at that path: give another one with --unix PATH"
	case cmd.HasParent() && cmd.Parent().Name() == "ns":
		return "perhaps a name server runs there already (pyroctl ns ping --ns " + shellQuoted(s.address()) +
			"): --port PORT takes another port, --port 0 any that is free"
	default:
		return "another program listens there: --port PORT takes another port, --port 0 any that is free"
	}
}

// tryWire is how hints send their reader to the command wire.
var tryWire = regexp.MustCompile(`(: |, or (see what the peer speaks: )?)pyroctl wire .*`)

// fill puts what is known in the place of what a hint leaves open. It is about an error with this text, and about that part
// of it which has the symptom.
func (f *factory) fill(cmd *cobra.Command, hint, text, symptom string) string {
	if cmd.Name() == "wire" { // it has just been tried
		hint = tryWire.ReplaceAllString(hint, "")
	}
	uri, at, flags := "URI", "HOST:PORT", givenFlags(cmd)
	t := f.subject.Load()
	if ns := f.failedNameServer(cmd, text, symptom); ns != "" && strings.Contains(hint, "{at}") {
		at, flags = shellQuoted(ns), givenFlags(cmd, "ns", "no-broadcast")
	} else if t != nil && t.location != "" {
		at = shellQuoted(t.location)
	}
	if t != nil && t.uri != "" {
		uri = shellQuoted(t.uri)
	}
	return strings.NewReplacer("{uri}", uri, "{at}", at, "{flags}", flags).Replace(hint)
}

// locating is how errors name a name server that was tried, and why it did not do.
var locating = regexp.MustCompile(`connect to PYRO:` + regexp.QuoteMeta(nameserver.ObjectName) + `@(\S+) at ([^;]*)`)

// failedNameServer returns the name server that an error with this text and symptom is about; empty if it is about something
// else.
func (f *factory) failedNameServer(cmd *cobra.Command, text, symptom string) string {
	for _, tried := range locating.FindAllStringSubmatch(text, -1) {
		if strings.Contains(tried[0], symptom) {
			return tried[1]
		}
	}
	switch names := f.flags.nameServers; {
	case f.subject.Load() != nil || len(names) > 1:
		return ""
	case len(names) == 1:
		return daemonOf(names[0])
	case cmd.HasParent() && cmd.Parent().Name() == "ns":
		return nameserver.DefaultLocation()
	default:
		return ""
	}
}

// daemonOf returns where the daemon of a name server is that --ns names.
func daemonOf(ns string) string {
	if _, location, isURI := strings.Cut(ns, "@"); isURI {
		return location
	}
	if _, _, err := net.SplitHostPort(ns); err == nil || strings.HasPrefix(ns, "./u:") {
		return ns
	}
	return net.JoinHostPort(strings.Trim(ns, "[]"), strconv.Itoa(pyro.DefaultNSPort))
}

// givenFlags returns the flags on a command line that say how to connect, as another command needs them, but for some.
func givenFlags(cmd *cobra.Command, but ...string) string {
	but = append(but, "serializer", "dialect", "timeout")
	var b strings.Builder
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if groupOf(flag) != groupConnection || slices.Contains(but, flag.Name) {
			return
		}
		b.WriteString(" --" + flag.Name)
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			b.WriteString(" " + shellQuoted(strings.Join(list.GetSlice(), ",")))
		} else if flag.NoOptDefVal == "" {
			b.WriteString(" " + shellQuoted(flag.Value.String()))
		}
	})
	return b.String()
}

var shellSafe = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// shellQuoted returns s as a shell reads it.
func shellQuoted(s string) string {
	s = pyro.Printable(s)
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
