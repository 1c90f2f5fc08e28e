package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/service"
)

// lookupEnv is os.LookupEnv, but a variable that is empty is not set: so can a shell take one back.
func lookupEnv(name string) (string, bool) {
	v := os.Getenv(name)
	return v, v != ""
}

// fromEnv reads Pyro's configuration items, for flags that were not given.
func (f *factory) fromEnv(fs *pflag.FlagSet) error {
	v, err := pyroenv.Read(lookupEnv)
	if err != nil {
		return err
	}
	if f.option, err = service.FromEnv(lookupEnv); err != nil {
		return err
	}
	f.env = v
	g := &f.flags
	if name := v.Text("SERIALIZER"); name != "" && !fs.Changed("serializer") {
		g.serializer = name
	}
	if d, set := v.Seconds("COMMTIMEOUT"); set && !fs.Changed("timeout") {
		g.timeout = d
	}
	if g.hmacKeyEnv == "" && g.dialect != "pyro5" {
		if _, set := lookupEnv("PYRO_HMAC_KEY"); set {
			g.hmacKeyEnv = "PYRO_HMAC_KEY"
		}
	}
	g.compress, _ = v.Bool("COMPRESSION")
	g.maxMessageSize, _ = v.Int("MAX_MESSAGE_SIZE")
	g.bytesRepr, _ = v.Bool("SERPENT_BYTES_REPR")
	g.lookupDelay, _ = v.Seconds("NS_LOOKUP_DELAY")
	version, _ := v.Int("PREFER_IP_VERSION")
	retries, _ := v.Int("MAX_RETRIES")
	g.preferIP, g.retries = int(version), int(retries)
	metadata, set := v.Bool("METADATA")
	g.unchecked = set && !metadata
	g.tls.fromEnv(v)
	return nil
}

// openLog opens the log: warnings to stderr, unless LOGLEVEL and LOGFILE say otherwise, or --verbose.
func (f *factory) openLog() error {
	level, out := slog.LevelWarn, f.io.err
	named, set, err := f.env.LogLevel()
	if err != nil {
		return pyroenv.Wrongf("LOGLEVEL", f.env.Text("LOGLEVEL"), "%w", err)
	}
	if set {
		level = named
		if path := f.env.Text("LOGFILE"); path != "" && path != "{stderr}" {
			file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // what the user names
			if err != nil {
				return fmt.Errorf("PYRO_LOGFILE: %w", err)
			}
			out = file // until the program ends
		}
	}
	if f.flags.verbose {
		level, out = slog.LevelDebug, f.io.err
	}
	f.log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	return nil
}
