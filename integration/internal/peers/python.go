package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// EnvVenv names the environment variable that points to a virtual environment with Pyro4 and
// Pyro5. Unset, it is .peers/venv at the top of the checkout, as make peers makes it.
const EnvVenv = "PYROKIT_PEERS"

// Python returns the path of the interpreter that has Pyro4 and Pyro5.
func Python() (string, error) {
	venv := os.Getenv(EnvVenv)
	if venv == "" {
		root, err := checkout()
		if err != nil {
			return "", err
		}
		venv = filepath.Join(root, ".peers", "venv")
	}
	python := filepath.Join(venv, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return "", fmt.Errorf("no Python peers in %s: run make peers, or set %s", venv, EnvVenv)
	}
	return python, nil
}

// Run runs a snippet of Python with arguments (its sys.argv[1:]) and decodes the one JSON value it
// prints into dst. The scripts beside the services can be imported.
func Run(ctx context.Context, dst any, snippet string, args ...string) error {
	out, err := output(ctx, "", append([]string{"-c", snippet}, args...)...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), dst); err != nil {
		return fmt.Errorf("python printed %q: %w", out, err)
	}
	return nil
}

// Tool runs one of Pyro's own programs, such as pyro5-nsc, to its end and returns what it printed.
// Its stdin holds the given text.
func Tool(ctx context.Context, stdin, program string, args ...string) (string, error) {
	dir, err := scripts()
	if err != nil {
		return "", err
	}
	return output(ctx, stdin, append([]string{filepath.Join(dir, "tool.py"), "--once", program}, args...)...)
}

// output runs Python to its end and returns what it printed, with its stderr in the error.
func output(ctx context.Context, stdin string, args ...string) (string, error) {
	python, err := Python()
	if err != nil {
		return "", err
	}
	dir, err := scripts()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = environment("PYTHONPATH=" + dir)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), fmt.Errorf("python: %w: %s", err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("python: %w", err)
	}
	return string(out), nil
}

// environment is this process's own without what steers Pyro, and with the given additions: an
// exported PYRO_ variable would change every peer, and stops Pyro5 when it is unknown there.
func environment(additions ...string) []string {
	env := []string{}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PYRO_") && !strings.HasPrefix(variable, "PYTHON") {
			env = append(env, variable)
		}
	}
	env = append(env, "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8")
	return append(env, additions...)
}

// scripts returns the folder of the Python scripts.
func scripts() (string, error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "integration", "peers"), nil
}

// checkout returns the folder above the working folder that has the Python scripts in its
// integration folder.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("peers: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "integration", "peers", "common.py")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("peers: not inside a checkout of pyrokit")
		}
		dir = parent
	}
}
