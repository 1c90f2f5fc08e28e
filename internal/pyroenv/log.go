package pyroenv

import (
	"errors"
	"log/slog"
	"strings"
)

// logLevels are Python's, by name.
var logLevels = map[string]slog.Level{
	"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "WARN": slog.LevelWarn,
	"ERROR": slog.LevelError, "CRITICAL": slog.LevelError, "FATAL": slog.LevelError,
}

// LogLevel returns the level that LOGLEVEL names, and whether it names one.
func (v *Values) LogLevel() (level slog.Level, set bool, err error) {
	name := v.Text("LOGLEVEL")
	if name == "" {
		return 0, false, nil
	}
	level, known := logLevels[strings.ToUpper(name)]
	if !known {
		return 0, false, errors.New("want DEBUG, INFO, WARNING, ERROR or CRITICAL")
	}
	return level, true, nil
}
