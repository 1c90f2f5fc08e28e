package storage

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// A Record is what a storage keeps of a name.
type Record struct {
	Name string
	URI  string
	Tags []string // metadata: sorted, each once; not to be changed by whoever gets it
	// Lease is how long the name lasts unless its owner renews it; 0 means until it is removed. A storage
	// only keeps it: to let the name end is its server's business.
	Lease time.Duration
	// Holder is which of the processes that have the storage open lets the lease end: the one that stored it last, or
	// has adopted it. The storage sets it; 0 is nobody, or that only one process can have it open. See Sharer.
	Holder int64
}

// Equal tells whether two records say the same.
func (r Record) Equal(o Record) bool {
	return r.Name == o.Name && r.URI == o.URI && r.Lease == o.Lease && r.Holder == o.Holder && slices.Equal(r.Tags, o.Tags)
}

// ErrNotFound is the error for a name that is not there.
var ErrNotFound = errors.New("unknown name")

// ErrExists is the error for a name that is there already.
var ErrExists = errors.New("name is there already")

// A Storage keeps the names of a name server. Its methods may be called concurrently. When a method that
// changes something returns without an error, everybody sees the change, and it lasts as long as anything
// in this storage does. With an error nothing, or all of it, has changed.
type Storage interface {
	// Len returns the number of names.
	Len(ctx context.Context) (int, error)
	// Get returns the record of a name, or ErrNotFound.
	Get(ctx context.Context, name string) (Record, error)
	// Put stores a record in the place of the one with its name, if there is one. With onlyNew set, it leaves that
	// one alone and returns ErrExists. The same record again changes nothing.
	Put(ctx context.Context, r Record, onlyNew bool) error
	// SetTags replaces the tags of a name, or returns ErrNotFound.
	SetTags(ctx context.Context, name string, tags []string) error
	// Remove removes those of names that are there and whose records match, and returns how many there were. match
	// is called once for each and must not call the storage; nil matches all.
	Remove(ctx context.Context, names []string, match func(Record) bool) (int, error)
	// Prefix yields the records whose names begin with prefix (byte for byte), in the order of their names, as they
	// were at one moment. An error is the last thing it yields.
	Prefix(ctx context.Context, prefix string) iter.Seq2[Record, error]
	// TaggedAll yields the records that have every one of tags, as Prefix does. No tags: all records.
	TaggedAll(ctx context.Context, tags []string) iter.Seq2[Record, error]
	// TaggedAny yields the records that have at least one of tags, as Prefix does. No tags: no records.
	TaggedAny(ctx context.Context, tags []string) iter.Seq2[Record, error]
	// Watch yields a Change of kind Put for each record that is there whose name begins with prefix, one of kind Synced,
	// and then what changes of such names, whoever changes it, until ctx ends or the loop does. It may tell the same twice,
	// and that a name is gone that came and went before it was told. Of a name that changed several times before it was
	// asked for, only the last change is told: a slow watcher holds nobody up, and costs little; one that is behind by
	// too many changes gets ErrBehind. An error is the last thing it yields.
	Watch(ctx context.Context, prefix string) iter.Seq2[Change, error]
	// Close ends the storage; watchers get ErrClosed, and so does whoever calls a method later.
	Close() error
}

// A Batch is a Storage that stores many records at a time faster than one by one.
type Batch interface {
	// PutAll stores records as Put does, those that come later in the place of those before. With an error nothing, or
	// all of it, has changed.
	PutAll(ctx context.Context, records []Record) error
}

// An Immediate is a Storage that has its names in memory: Get waits for nothing, and keeps no context after it has returned, as
// a Get that asks database/sql does for a while. A name server uses the memory of a lookup again that only such a Get has seen.
type Immediate interface {
	// Immediate returns the storage itself. What has one embedded has this method, too, but maybe a Get of its own: it has
	// made no promise unless it returns itself.
	Immediate() Storage
}

// A Seeker is a Storage that finds names without reading those between them.
type Seeker interface {
	// Between returns the first and the last name that are not before from, and before to, in the order of their bytes, or
	// ErrNotFound.
	Between(ctx context.Context, from, to string) (first, last string, err error)
}

// A Sharer is a Storage that several processes can have open at a time. Each lets those leases end that it holds; so a
// lease that is renewed at another one changes its holder.
type Sharer interface {
	// Holder is what this process is called as the holder of leases.
	Holder() int64
	// Adopt makes this process the holder of all leases whose holder does not have the storage open any more, killed
	// or closed, and returns their records. What others have just written may be found by the next call only. With an
	// error, some may have been adopted; they are returned, too.
	Adopt(ctx context.Context) ([]Record, error)
}

// A Follower is a Storage whose file others may change, too.
type Follower interface {
	// Behind returns why the storage cannot read what others have changed, which it tries again about every second; nil
	// when it can. What it answers meanwhile may be old.
	Behind() error
}

// A Volatile is a Storage that may have no room for a record, but can have it in memory.
type Volatile interface {
	// PutVolatile stores a record as Put does, for as long as the storage is open. Nobody else who has it open sees that.
	PutVolatile(r Record) error
}

// ErrNoMetadata is the error of a search for tags in a storage that keeps none. Its text is Pyro4's.
var ErrNoMetadata = errors.New("DbmStorage doesn't support metadata")

// ErrNotText is the error for a name, URI or tag that is not UTF-8 where only text can be kept.
var ErrNotText = errors.New("not a text in UTF-8")

// What can be wrong with the file of a storage; the error's text says which file and how.
var (
	// ErrLocked: another process keeps the file locked for longer than one waits for that.
	ErrLocked = errors.New("locked by another process")
	// ErrReadOnly: the file, or the folder that it is in, cannot be written to.
	ErrReadOnly = errors.New("cannot be written to")
	// ErrFull: there is no room for more.
	ErrFull = errors.New("no room left")
	// ErrFormat: the file is not what a storage of its kind writes, or is damaged.
	ErrFormat = errors.New("not a file of this storage")
	// ErrReplaced: the file was removed, or another one has its name, while the storage had it open.
	ErrReplaced = errors.New("removed or replaced while it was open")
)

// ErrClosed is the error for a storage that is closed.
var ErrClosed = errors.New("storage is closed")

// A Change is what a watcher is told.
type Change struct {
	Kind   ChangeKind
	Record Record // of Removed only the name counts
	// More says that another change, or an error, is yielded at once: who passes changes on may wait for it and pass on
	// several. A storage that does not know leaves it out.
	More bool
}

// A ChangeKind says what happened.
type ChangeKind int

// What happens to records.
const (
	Put     ChangeKind = iota + 1 // a record is new, or another one than before
	Removed                       // a name is gone
	Synced                        // what was there has been told
)

// Tidy returns tags as a Record has them: sorted, each once.
func Tidy(tags []string) []string {
	if len(tags) == 0 {
		return nil
	}
	tags = slices.Clone(tags)
	slices.Sort(tags)
	return slices.Clip(slices.Compact(tags))
}
