package codec

import (
	"fmt"
	"time"
)

// Naive is the location of a time.Time that names no zone, as Python's naive datetime. It has the
// clock of UTC. A datetime without a zone is read as a time in Naive, and a time in Naive is written
// without an offset, so that naive datetimes stay naive on their way through Go.
var Naive = time.FixedZone("naive", 0)

// A Date is a Python datetime.date. Its text is ISO 8601: "2020-02-29".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the date of t in t's location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// In returns midnight of d in loc.
func (d Date) In(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// Valid reports whether d is a date that Python has: of the years 1 to 9999.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// MarshalText returns the ISO form. It fails on a date that Python has not.
func (d Date) MarshalText() ([]byte, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("no date of the years 1 to 9999: %s", d)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads the ISO form.
func (d *Date) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil || t.Year() < 1 {
		return fmt.Errorf("not an ISO 8601 date: %.40q", b)
	}
	*d = DateOf(t)
	return nil
}

// A TimeOfDay is a Python datetime.time. Its text is ISO 8601: "13:14:15.000678+02:00".
type TimeOfDay struct {
	Hour, Minute, Second, Microsecond int

	// Zone is nil for a time that names no zone.
	Zone *time.Location
	// Fold tells the second of two equal times on a day when clocks are set back (PEP 495). The text
	// does not tell it.
	Fold bool
}

// TimeOfDayOf returns the time of the day of t, with t's location unless that is Naive.
func TimeOfDayOf(t time.Time) TimeOfDay {
	h, m, s := t.Clock()
	c := TimeOfDay{Hour: h, Minute: m, Second: s, Microsecond: t.Nanosecond() / 1000}
	if t.Location() != Naive {
		c.Zone = t.Location()
	}
	return c
}

// Valid reports whether c is within a day.
func (c TimeOfDay) Valid() bool {
	return c.Hour >= 0 && c.Hour < 24 && c.Minute >= 0 && c.Minute < 60 && c.Second >= 0 && c.Second < 60 &&
		c.Microsecond >= 0 && c.Microsecond < 1e6
}

func (c TimeOfDay) String() string {
	s := fmt.Sprintf("%02d:%02d:%02d", c.Hour, c.Minute, c.Second)
	if c.Microsecond != 0 {
		s += fmt.Sprintf(".%06d", c.Microsecond)
	}
	if c.Zone == nil {
		return s
	}
	// The offset of a zone with rules depends on a day that is not known; that of a fixed one does not.
	_, offset := time.Date(2000, 1, 1, 0, 0, 0, 0, c.Zone).Zone()
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	s += fmt.Sprintf("%c%02d:%02d", sign, offset/3600, offset/60%60)
	if offset%60 != 0 {
		s += fmt.Sprintf(":%02d", offset%60)
	}
	return s
}

// MarshalText returns the ISO form. It fails on a time that is not within a day.
func (c TimeOfDay) MarshalText() ([]byte, error) {
	if !c.Valid() {
		return nil, fmt.Errorf("not within a day: %s", c)
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads the ISO form.
func (c *TimeOfDay) UnmarshalText(b []byte) error {
	for _, layout := range [...]string{"15:04:05", "15:04:05Z07:00", "15:04:05Z07:00:00", "15:04", "15:04Z07:00"} {
		t, err := time.Parse(layout, string(b))
		if err != nil {
			continue
		}
		if len(layout) <= len("15:04:05") { // names no zone
			t = time.Date(1, 1, 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), Naive)
		}
		*c = TimeOfDayOf(t)
		return nil
	}
	return fmt.Errorf("not an ISO 8601 time of day: %.40q", b)
}
