package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// maxSecret bounds a file that holds a secret: what is larger is a mistake.
const maxSecret = 1 << 20

// ReadSecret returns the value of a secret as it is now; an empty one is an error. An error says where it was looked
// for, never what was found. It is what an [Env] wants for Secret.
func ReadSecret(s *configv1.Secret) (string, error) {
	switch source := s.GetSource().(type) {
	case *configv1.Secret_Value:
		return notEmpty(source.Value, "the secret")
	case *configv1.Secret_Env:
		return notEmpty(os.Getenv(source.Env), "the variable "+source.Env)
	case *configv1.Secret_File:
		return secretOfFile(source.File)
	default:
		return "", errors.New("a secret needs one of value, env and file")
	}
}

func notEmpty(value, what string) (string, error) {
	if value == "" {
		return "", fmt.Errorf("%s is empty or not set", what)
	}
	return value, nil
}

func secretOfFile(path string) (string, error) {
	file, err := openFile(path)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	if len(data) > maxSecret {
		return "", fmt.Errorf("the file %s is too large for a secret", path)
	}
	return notEmpty(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), "the file "+path)
}

// secret reads a secret, or returns "" where none is set.
func (b *builder) secret(path string, s *configv1.Secret) string {
	if s == nil {
		return ""
	}
	value, err := b.env.Secret(s)
	b.failed(path, err)
	return value
}
