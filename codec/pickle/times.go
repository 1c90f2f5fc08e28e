package pickle

import (
	"math"
	"regexp"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// foldBit marks the second of two equal times on a day when clocks are set back (PEP 495).
const foldBit = 0x80

// timeArgs returns the bytes of a datetime, date or time, and its zone: nil if it has none.
func (r *reader) timeArgs(n *node, size int) (b []byte, zone *time.Location, ok bool) {
	if !n.isCall(1, 2) {
		return nil, nil, false
	}
	args := n.more.args.values()
	b, _, ok = r.bytesLike(args[0])
	if !ok || len(b) != size {
		return nil, nil, false
	}
	if len(args) == 2 && args[1].kind != kindNone {
		zone, ok = r.zone(args[1])
	}
	return b, zone, ok
}

func microseconds(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// datetimeFrom reads year (two bytes), month with fold, day, hour, minute, second, microseconds (three).
func datetimeFrom(r *reader, n *node) (any, bool, error) {
	const size = 10
	b, zone, ok := r.timeArgs(n, size)
	if !ok {
		return nil, false, nil
	}
	fold := b[2]&foldBit != 0
	if zone == nil {
		zone = codec.Naive
	}
	day := codec.Date{Year: int(b[0])<<8 | int(b[1]), Month: time.Month(b[2] &^ foldBit), Day: int(b[3])}
	clock := codec.TimeOfDay{Hour: int(b[4]), Minute: int(b[5]), Second: int(b[6]), Microsecond: microseconds(b[7:])}
	if !day.Valid() || !clock.Valid() {
		return nil, false, nil
	}
	return inZone(day, clock, fold, zone), true, nil
}

// inZone returns the time when clocks in zone show day and clock; the later one of two with fold.
func inZone(day codec.Date, clock codec.TimeOfDay, fold bool, zone *time.Location) time.Time {
	t := time.Date(day.Year, day.Month, day.Day, clock.Hour, clock.Minute, clock.Second, clock.Microsecond*1000, zone)
	other, ok := sameClock(t)
	if ok && other.After(t) == fold {
		return other
	}
	return t
}

// sameClock returns another time when clocks in t's zone show the same as at t, if there is one.
func sameClock(t time.Time) (time.Time, bool) {
	_, offset := t.Zone()
	const reach = 25 * time.Hour // no clock is set back by more
	for _, d := range [...]time.Duration{-reach, reach} {
		_, o := t.Add(d).Zone()
		other := t.Add(time.Duration(offset-o) * time.Second)
		if _, now := other.Zone(); o != offset && now == o {
			return other, true
		}
	}
	return t, false
}

// fold reports whether clocks have shown the same as at t before.
func fold(t time.Time) bool {
	other, ok := sameClock(t)
	return ok && other.Before(t)
}

// dateFrom reads year (two bytes), month, day.
func dateFrom(r *reader, n *node) (any, bool, error) {
	const size = 4
	b, zone, ok := r.timeArgs(n, size)
	if !ok || zone != nil {
		return nil, false, nil
	}
	d := codec.Date{Year: int(b[0])<<8 | int(b[1]), Month: time.Month(b[2]), Day: int(b[3])}
	return d, d.Valid(), nil
}

// timeFrom reads hour with fold, minute, second, microseconds (three).
func timeFrom(r *reader, n *node) (any, bool, error) {
	const size = 6
	b, zone, ok := r.timeArgs(n, size)
	if !ok {
		return nil, false, nil
	}
	c := codec.TimeOfDay{
		Hour: int(b[0] &^ foldBit), Minute: int(b[1]), Second: int(b[2]), Microsecond: microseconds(b[3:]),
		Zone: zone, Fold: b[0]&foldBit != 0,
	}
	return c, c.Valid(), nil
}

// timedelta returns what datetime.timedelta(days, seconds, microseconds) means, if a Duration holds it.
func (r *reader) timedelta(n *node) (time.Duration, bool) {
	if !n.isCall(3, 3) {
		return 0, false
	}
	var parts [3]int64
	for i, v := range n.more.args.values() {
		part, ok := r.int(v)
		if !ok {
			return 0, false
		}
		parts[i] = part
	}
	const (
		mostDays = 200000 // more than a Duration has
		mostUS   = math.MaxInt64 / int64(time.Microsecond)
	)
	days, seconds, micros := parts[0], parts[1], parts[2]
	if days > mostDays || days < -mostDays || seconds < 0 || seconds >= 86400 || micros < 0 || micros >= 1e6 {
		return 0, false
	}
	us := (days*86400+seconds)*1e6 + micros
	return time.Duration(us) * time.Microsecond, us <= mostUS && us >= -mostUS
}

func timedeltaFrom(r *reader, n *node) (any, bool, error) {
	d, ok := r.timedelta(n)
	return d, ok, nil
}

// zone returns the zone that an instance of a class of time zones stands for.
func (r *reader) zone(v value) (*time.Location, bool) {
	if v.kind != kindInstance {
		return nil, false
	}
	args := v.p.more.args.values()
	r.reread += r.sizeOf(args) // the same zone may come again and again; open looks whether it is too much
	switch nameOf(v.p.more.fn) {
	case "datetime.timezone":
		if !v.p.isCall(1, 2) || args[0].kind != kindInstance || nameOf(args[0].p.more.fn) != "datetime.timedelta" {
			return nil, false
		}
		return r.fixedZone(args)
	case "zoneinfo:ZoneInfo._unpickle":
		if !v.p.isCall(2, 2) {
			return nil, false
		}
		key, _ := r.string(args[0])
		return r.namedZone(key)
	case "pytz._UTC":
		return time.UTC, v.p.isCall(0, 0)
	}
	return nil, false
}

// fixedZone returns the zone of datetime.timezone(offset, name).
func (r *reader) fixedZone(args []value) (*time.Location, bool) {
	offset, ok := r.timedelta(args[0].p)
	if !ok || offset%time.Second != 0 || offset <= -24*time.Hour || offset >= 24*time.Hour {
		return nil, false
	}
	if len(args) == 1 {
		if offset == 0 {
			return time.UTC, true
		}
		return time.FixedZone("", int(offset/time.Second)), true
	}
	name, ok := r.string(args[1])
	return time.FixedZone(name, int(offset/time.Second)), ok
}

// zones has the zones that came by name, so that they go out by name as well: whoever sent one knows
// Python's zoneinfo, which came with 3.9.
var zones sync.Map // name -> *time.Location

// zoneName is what names of zones look like. Other spellings would find the same files.
var zoneName = regexp.MustCompile(`^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$`)

func (r *reader) namedZone(name string) (*time.Location, bool) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), true //nolint:forcetypeassert // nothing else is stored
	}
	const most = 8 // unknown names in a pickle: looking for each takes time
	if name == "Local" || r.zonesMissed >= most || !zoneName.MatchString(name) {
		return nil, false
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		r.zonesMissed++
		return nil, false
	}
	if z == time.UTC {
		return z, true
	}
	first, _ := zones.LoadOrStore(name, z)
	return first.(*time.Location), true //nolint:forcetypeassert // nothing else is stored
}

// isNamed reports whether z came by its name.
func isNamed(z *time.Location) bool {
	known, ok := zones.Load(z.String())
	return ok && known == z
}

// The bytes of dates and times, as they are read above.

func appendDate(b []byte, d codec.Date) []byte {
	return append(b, byte(d.Year>>8), byte(d.Year), byte(d.Month), byte(d.Day)) //nolint:gosec // of a valid date
}

func appendClock(b []byte, c codec.TimeOfDay) []byte {
	us := c.Microsecond
	return append(b, byte(c.Hour), byte(c.Minute), byte(c.Second), byte(us>>16), byte(us>>8), byte(us)) //nolint:gosec // of a valid one
}
