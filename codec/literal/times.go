package literal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

func makeDate(a *arguments) (any, error) {
	return a.date(), nil
}

// date returns the date that year, month and day name.
func (a *arguments) date() codec.Date {
	d := codec.Date{
		Year:  a.int("year", 1, 9999),
		Month: time.Month(a.int("month", 1, 12)),
		Day:   a.int("day", 1, 31),
	}
	if a.err == nil && !d.Valid() {
		a.fail("day", "a day of that month")
	}
	return d
}

func makeTimeOfDay(a *arguments) (any, error) { return a.timeOfDay(), nil }

func (a *arguments) timeOfDay() codec.TimeOfDay {
	return codec.TimeOfDay{
		Hour:        a.int("hour", 0, 23),
		Minute:      a.int("minute", 0, 59),
		Second:      a.int("second", 0, 59),
		Microsecond: a.int("microsecond", 0, 999999),
		Zone:        a.zone("tzinfo"),
		Fold:        a.int("fold", 0, 1) == 1,
	}
}

func makeTime(a *arguments) (any, error) {
	d, c := a.date(), a.timeOfDay()
	if a.err != nil {
		return nil, a.err
	}
	zone := c.Zone
	if zone == nil {
		zone = codec.Naive
		if c.Fold {
			a.fail("fold", "0 where there is no tzinfo")
		}
	}
	t := time.Date(d.Year, d.Month, d.Day, c.Hour, c.Minute, c.Second, c.Microsecond*1000, zone)
	if other, ok := twin(t); ok && other.After(t) == c.Fold {
		t = other
	}
	return t, nil
}

// twin returns the other time at which the clocks of t's zone show the same as at t, because they were
// set back in between.
func twin(t time.Time) (time.Time, bool) {
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		_, before := start.Add(-time.Second).Zone()
		if u := t.Add(time.Duration(offset-before) * time.Second); u.Before(start) {
			return u, true
		}
	}
	if !end.IsZero() {
		_, after := end.Zone()
		if u := t.Add(time.Duration(offset-after) * time.Second); !u.Before(end) {
			return u, true
		}
	}
	return t, false
}

// deltaUnits are the units of a timedelta in microseconds.
var deltaUnits = map[string]int64{
	"weeks": 7 * 86400e6, "days": 86400e6, "hours": 3600e6, "minutes": 60e6, "seconds": 1e6, "milliseconds": 1e3, "microseconds": 1,
}

func makeDuration(a *arguments) (any, error) {
	const (
		most     = math.MaxInt64 / 1000 // microseconds
		mostEach = 1 << 60              // of the seven; they may have different signs
	)
	sum := int64(0)
	for name, v := range a.values {
		unit := deltaUnits[name]
		var us int64
		switch x := v.(type) {
		case int64:
			if x > mostEach/unit || x < -mostEach/unit {
				a.fail(name, "no more than 292 years")
				return nil, a.err
			}
			us = x * unit
		case float64:
			f := math.RoundToEven(x * float64(unit))
			if !(math.Abs(f) <= mostEach) {
				a.fail(name, "no more than 292 years")
				return nil, a.err
			}
			us = int64(f)
		default:
			a.fail(name, "a number")
		}
		sum += us
	}
	if sum > most || sum < -most {
		return nil, &codec.TypeError{Want: "no more than 292 years", Found: strconv.FormatInt(sum/86400e6, 10) + " days"}
	}
	return time.Duration(sum) * time.Microsecond, a.err
}

func makeZone(a *arguments) (any, error) {
	offset, ok := a.values["offset"].(time.Duration)
	if !ok || offset.Abs() >= 24*time.Hour || offset%time.Second != 0 {
		a.fail("offset", "a timedelta of whole seconds below a day")
	}
	name := a.text("name", false)
	if name == "" && offset == 0 {
		return time.UTC, nil
	}
	return time.FixedZone(name, int(offset/time.Second)), nil
}

// makeZoneInfo loads a zone by its name once for each text: it is a file.
func makeZoneInfo(a *arguments) (any, error) {
	key := a.text("key", true)
	if zone, ok := a.r.zones[key]; ok {
		return zone, nil
	}
	zone, err := time.LoadLocation(key)
	if err != nil || !strings.Contains(key, "/") && key != "UTC" { // "" and "Local" are of Go's own
		a.fail("key", "the name of a time zone that is known here, as Europe/Amsterdam")
		return nil, a.err
	}
	if a.r.zones == nil {
		a.r.zones = map[string]*time.Location{}
	}
	a.r.zones[key] = zone
	return zone, nil
}

func appendDate(b []byte, d codec.Date) []byte {
	return fmt.Appendf(b, "datetime.date(%d, %d, %d)", d.Year, int(d.Month), d.Day)
}

func appendTime(b []byte, t time.Time) []byte {
	y, m, d := t.Date()
	b = fmt.Appendf(b, "datetime.datetime(%d, %d, %d, ", y, int(m), d)
	b = appendClock(b, codec.TimeOfDayOf(t))
	if t.Location() == codec.Naive {
		return append(b, ')')
	}
	if other, ok := twin(t); ok && other.Before(t) {
		b = append(b, ", fold=1"...)
	}
	_, offset := t.Zone()
	return append(appendZone(b, t.Location(), offset), ')')
}

func appendTimeOfDay(b []byte, c codec.TimeOfDay) []byte {
	b = appendClock(append(b, "datetime.time("...), c)
	if c.Zone != nil {
		// As in the text of c: the offset of a zone with rules depends on a day that is not known.
		_, offset := time.Date(2000, 1, 1, 0, 0, 0, 0, c.Zone).Zone()
		b = appendZone(b, c.Zone, offset)
	}
	if c.Fold {
		b = append(b, ", fold=1"...)
	}
	return append(b, ')')
}

// appendClock appends hour and minute, and what there is of seconds.
func appendClock(b []byte, c codec.TimeOfDay) []byte {
	b = fmt.Appendf(b, "%d, %d", c.Hour, c.Minute)
	if c.Second != 0 || c.Microsecond != 0 {
		b = fmt.Appendf(b, ", %d", c.Second)
	}
	if c.Microsecond != 0 {
		b = fmt.Appendf(b, ", %d", c.Microsecond)
	}
	return b
}

// appendZone appends the argument that names a time zone: by its key if it has rules, else by its offset
// in seconds.
func appendZone(b []byte, zone *time.Location, offset int) []byte {
	b = append(b, ", tzinfo="...)
	name := zone.String()
	if name == "Local" || name == offsetName(offset) {
		name = ""
	}
	switch {
	case strings.Contains(name, "/"):
		return append(appendText(append(b, "zoneinfo.ZoneInfo(key="...), name), ')')
	case offset == 0 && (name == "" || name == "UTC"):
		return append(b, "datetime.timezone.utc"...)
	}
	b = appendDuration(append(b, "datetime.timezone("...), time.Duration(offset)*time.Second)
	if name != "" {
		b = appendText(append(b, ", "...), name)
	}
	return append(b, ')')
}

// offsetName is the name that Python gives to a zone without one.
func offsetName(offset int) string {
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	s := fmt.Sprintf("UTC%c%02d:%02d", sign, offset/3600, offset/60%60)
	if offset%60 != 0 {
		s += fmt.Sprintf(":%02d", offset%60)
	}
	return s
}

// appendDuration appends a timedelta, which counts in microseconds: seconds and microseconds are never
// negative.
func appendDuration(b []byte, d time.Duration) []byte {
	us := int64(d.Round(time.Microsecond) / time.Microsecond)
	days := us / 86400e6
	us %= 86400e6
	if us < 0 {
		days--
		us += 86400e6
	}
	b = append(b, "datetime.timedelta("...)
	sep := ""
	for _, part := range [...]struct {
		name string
		n    int64
	}{{"days", days}, {"seconds", us / 1e6}, {"microseconds", us % 1e6}} {
		if part.n != 0 {
			b = fmt.Appendf(b, "%s%s=%d", sep, part.name, part.n)
			sep = ", "
		}
	}
	if sep == "" {
		b = append(b, '0')
	}
	return append(b, ')')
}
