package pyroenv

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Values are the items that an environment sets. A nil *Values has none.
type Values struct {
	values map[string]any
}

// Read reads all items. lookup is os.LookupEnv, or what takes its place. Values are read as Pyro reads them;
// white space around list elements does not count, and a text or list that is empty counts as not set. An
// error joins all that is wrong, with the variables and their values; those items are not set.
func Read(lookup func(name string) (string, bool)) (*Values, error) {
	v := &Values{values: map[string]any{}}
	var errs []error
	for _, item := range Items {
		text, ok := lookup(item.Variable())
		if !ok {
			continue
		}
		value, err := parse(item.Kind, text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%s: %w", item.Variable(), text, err))
			continue
		}
		v.values[item.Name] = value
	}
	return v, errors.Join(errs...)
}

// parse reads one value.
func parse(k Kind, s string) (any, error) {
	switch k {
	case Bool:
		return parseBool(s)
	case Int:
		n, err := strconv.ParseInt(number(s), 10, 64)
		if err != nil {
			return nil, errors.New("want a whole number")
		}
		return n, nil
	case Seconds:
		f, err := strconv.ParseFloat(number(s), 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > float64(math.MaxInt64)/float64(time.Second)/2 {
			return nil, errors.New("want seconds")
		}
		return time.Duration(f * float64(time.Second)), nil
	case List:
		var list []string
		for item := range strings.SplitSeq(s, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, nil
	default:
		return s, nil
	}
}

// number takes from a number what Python forgives: white space around it, and underscores between digits.
func number(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") || strings.ContainsAny(s, "xXpP") {
		return ""
	}
	return strings.ReplaceAll(s, "_", "")
}

func parseBool(s string) (any, error) {
	switch strings.ToLower(s) {
	case "1", "yes", "on", "true":
		return true, nil
	case "0", "off", "no", "false":
		return false, nil
	default:
		return nil, errors.New("want 1, on, yes, true, 0, off, no or false")
	}
}

// get returns the value of an item if it is set. An empty text or list is none.
func (v *Values) get(name string) (value any, set bool) {
	if v == nil {
		return nil, false
	}
	switch value := v.values[name].(type) {
	case nil:
		return nil, false
	case string:
		return value, value != ""
	case []string:
		return value, len(value) > 0
	default:
		return value, true
	}
}

func get[T any](v *Values, name string) (T, bool) {
	value, _ := v.get(name)
	typed, set := value.(T)
	return typed, set
}

// Bool returns the value of an item of that kind and whether it is set; so do the others.
func (v *Values) Bool(name string) (value, set bool) { return get[bool](v, name) }

// Int returns a whole number.
func (v *Values) Int(name string) (value int64, set bool) { return get[int64](v, name) }

// Seconds returns a time.
func (v *Values) Seconds(name string) (value time.Duration, set bool) {
	return get[time.Duration](v, name)
}

// Text returns a text, "" if it is not set.
func (v *Values) Text(name string) string {
	s, _ := get[string](v, name)
	return s
}

// List returns a list, nil if it is not set.
func (v *Values) List(name string) []string {
	list, _ := get[[]string](v, name)
	return list
}

// Wrongf returns an error about an item's value; format may have a %w.
func Wrongf(name string, value any, format string, args ...any) error {
	return fmt.Errorf("%s%s=%v: %w", prefix, name, value, fmt.Errorf(format, args...))
}
