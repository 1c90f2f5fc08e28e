package bind

import "time"

// AppendTime appends t as Python's isoformat writes a datetime, for sources that have times of their
// own and give them out as text.
func AppendTime(b []byte, t time.Time) []byte { return appendTime(b, t) }
