package pyroenv

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Check returns what is wrong with values that were read, all of it joined. What sets fields of messages with rules of
// their own does not need it.
func (v *Values) Check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		value, set := v.get(name)
		if !set {
			continue
		}
		if err := checks[name](value); err != nil {
			if d, ok := value.(time.Duration); ok {
				value = d.Seconds()
			}
			errs = append(errs, Wrongf(name, value, "%w", err))
		}
	}
	return errors.Join(errs...)
}

// checks are for items whose values cannot all be meant.
var checks = map[string]func(value any) error{
	"COMMTIMEOUT":             notNegative,
	"ITER_STREAM_LIFETIME":    notNegative,
	"MAX_MESSAGE_SIZE":        notNegative,
	"MAX_RETRIES":             between(0, math.MaxInt32),
	"NATPORT":                 between(0, math.MaxUint16),
	"NS_BCPORT":               between(1, math.MaxUint16),
	"NS_LOOKUP_DELAY":         notNegative,
	"NS_PORT":                 between(1, math.MaxUint16),
	"PICKLE_PROTOCOL_VERSION": between(-1, highestPickle),
	"PREFER_IP_VERSION":       ipVersion,
	"THREADPOOL_SIZE":         between(1, 1<<24),
}

func notNegative(value any) error {
	switch v := value.(type) {
	case int64:
		if v >= 0 {
			return nil
		}
	case time.Duration:
		if v >= 0 {
			return nil
		}
	}
	return errors.New("must not be negative")
}

func between(low, high int64) func(any) error {
	return func(value any) error {
		if n, _ := value.(int64); n < low || n > high {
			return fmt.Errorf("want a number from %d to %d", low, high)
		}
		return nil
	}
}

func ipVersion(value any) error {
	if value != int64(0) && value != int64(4) && value != int64(6) {
		return errors.New("want 4, 6 or 0")
	}
	return nil
}
