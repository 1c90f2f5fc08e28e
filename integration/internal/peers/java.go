package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Pyrolite is the Java program of integration/pyrolite with the line of Pyrolite, Pyro's client library
// for Java, that speaks a dialect.
type Pyrolite struct {
	classPath string
}

// CompilePyrolite compiles the program into dir, an empty folder.
func CompilePyrolite(ctx context.Context, dialect Dialect, dir string) (*Pyrolite, error) {
	root, err := checkout()
	if err != nil {
		return nil, err
	}
	jars := filepath.Join(root, ".peers", "pyrolite", dialect.digit())
	if _, err := os.Stat(jars); err != nil {
		return nil, fmt.Errorf("no Pyrolite in %s: run make peers", jars)
	}
	sources := filepath.Join(root, "integration", "pyrolite")
	files, err := filepath.Glob(filepath.Join(sources, "*.java"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sources, err)
	}
	files = append(files, filepath.Join(sources, "line"+dialect.digit(), "Line.java"))
	libraries := filepath.Join(jars, "*")
	args := []string{"-J-XX:TieredStopAtLevel=1", "--release", "11", "-encoding", "UTF-8", "-d", dir, "-cp", libraries}
	if out, err := exec.CommandContext(ctx, "javac", append(args, files...)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("javac: %w: %s", err, out)
	}
	return &Pyrolite{classPath: dir + string(os.PathListSeparator) + libraries}, nil
}

// Run runs the program to its end and returns what it printed. Caller.java says what its arguments are.
func (p *Pyrolite) Run(ctx context.Context, args ...string) (string, error) {
	flags := []string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", // it runs for a second
		"-Xmx512m", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC", "-cp", p.classPath, "Caller",
	}
	out, err := exec.CommandContext(ctx, "java", append(flags, args...)...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), fmt.Errorf("java: %w: %s", err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("java: %w", err)
	}
	return string(out), nil
}
