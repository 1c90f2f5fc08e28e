package nameserver

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"slices"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/fastdict"
	"github.com/pyrokit/pyrokit/internal/loopback"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// failed returns what a caller is told of an error of the storage, in Python's words, and logs that the storage fails, which
// the operator has to know.
func (n *NameServer) failed(ctx context.Context, err error, name string) error {
	var own *transport.Error
	switch {
	case err == nil, errors.As(err, &own), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, storage.ErrNotFound):
		return namingError("unknown name: " + name)
	case errors.Is(err, storage.ErrExists):
		return namingError("name already registered: " + name)
	case errors.Is(err, storage.ErrNoMetadata): // it has not failed: it was asked for what it never has
		return namingError(storage.ErrNoMetadata.Error())
	default:
		n.logged(ctx, slog.LevelError, "the storage has failed", slog.Any("error", err))
		return namingError("storage: " + err.Error())
	}
}

// logged writes a line about a call, where anybody reads it.
func (n *NameServer) logged(ctx context.Context, level slog.Level, what string, attrs ...slog.Attr) {
	if !n.log.Enabled(ctx, level) {
		return
	}
	if info := transport.FromContext(ctx); info != nil {
		attrs = append(attrs, slog.String("peer", info.Peer.String()))
	}
	n.log.LogAttrs(ctx, level, what, attrs...)
}

func (n *NameServer) count(ctx context.Context) (count int, err error) {
	defer n.numbers.countNames.done(clock(), &err)
	count, err = n.store.Len(ctx)
	return count, n.failed(ctx, err, "")
}

// recordOf reads what register and lease are given, and checks it in the order in which Python does.
func recordOf(name, uri, metadata any) (r storage.Record, err error) {
	if r.URI, err = uriOf(uri); err != nil {
		return r, err
	}
	if r.Name, err = nameOf(name); err != nil {
		return r, err
	}
	if r.Tags, err = tagsOf("metadata", metadata); err != nil {
		return r, err
	}
	return r, checkText(r)
}

func (n *NameServer) register(ctx context.Context, name, uri, safe, metadata any) (err error) {
	defer n.numbers.register.done(clock(), &err)
	r, err := recordOf(name, uri, metadata)
	if err != nil {
		return err
	}
	if err := n.store.Put(ctx, r, isTrue(safe)); err != nil {
		return n.failed(ctx, err, r.Name)
	}
	n.release(r.Name)
	n.logRegistered(ctx, "registered", r)
	return nil
}

// logRegistered tells what became of a record. It warns of a URI that those who get it from here look for on their own
// machines: Pyro's default host is localhost.
func (n *NameServer) logRegistered(ctx context.Context, what string, r storage.Record, attrs ...slog.Attr) {
	level := slog.LevelInfo
	if n.forOthers.Load() || isElsewhere(ctx) {
		if uri, err := pyro.ParseURI(r.URI); err == nil && loopback.Means(uri) {
			level = slog.LevelWarn
			what += ", but other machines cannot reach it there (Pyro's HOST and NATHOST, options Listen and Advertise)"
		}
	}
	n.logged(ctx, level, what, append([]slog.Attr{slog.String("name", r.Name), slog.String("uri", r.URI)}, attrs...)...)
}

// isElsewhere tells whether a call comes from another machine.
func isElsewhere(ctx context.Context) bool {
	info := transport.FromContext(ctx)
	if info == nil || info.Peer == nil {
		return false
	}
	from, ok := info.Peer.Addr.(*net.TCPAddr)
	return ok && !from.IP.IsLoopback()
}

func (n *NameServer) lookup(ctx context.Context, name, withMetadata any) (result any, err error) {
	defer n.numbers.lookup.done(clock(), &err)
	key, ok := stringOf(name)
	if !ok { // Python finds no such name, and then cannot say so
		if err := checkHashable(name); err != nil {
			return nil, err
		}
		return nil, typeError(`can only concatenate str (not "` + typeName(name) + `") to str`)
	}
	logs := n.log.Enabled(ctx, slog.LevelDebug)
	if logs {
		n.logged(ctx, slog.LevelDebug, "lookup", slog.String("name", key))
	}
	r, err := n.store.Get(ctx, key)
	if err != nil {
		return nil, n.failed(ctx, err, key)
	}
	if info := transport.FromContext(ctx); info != nil {
		info.Unseen = n.immediate && !logs
		if info.Direct && !isTrue(withMetadata) {
			if plain, ok := fastdict.Plain(r.URI); ok {
				return plain, nil
			}
		}
	}
	uri, err := pyro.ParseURI(r.URI)
	if bad, ok := errors.AsType[*pyro.URIError](err); ok { // a file may hold anything
		return nil, transport.NewError("PyroError", bad.Reason)
	}
	if isTrue(withMetadata) {
		return codec.Tuple{uri, newShaper(ctx).of(r.Tags)}, nil
	}
	return uri, nil
}

// list has Pyro4's parameters. In Pyro5 the third one is return_metadata: whatever is no metadata, and what comes with
// another filter.
func (n *NameServer) list(ctx context.Context, prefix, regex, all, anyOf, withMetadata any) (result any, err error) {
	defer n.numbers.list.done(clock(), &err)
	d := dialect(ctx)
	if all != nil && d == codec.Pyro5 && (isTrue(prefix) || isTrue(regex) || !isIterable(all)) {
		all, withMetadata = nil, all
	}
	given := 0
	for _, v := range []any{prefix, regex, all, anyOf} {
		if isTrue(v) || v != nil && d == codec.Pyro4 {
			given++
		}
	}
	if given > 1 {
		return nil, transport.NewError("ValueError", "you can only filter on one thing at a time")
	}
	var f filter
	if f.prefix, err = prefixOf(prefix); err != nil {
		return nil, err
	}
	if f.regex, err = regexOf(regex); err != nil {
		return nil, err
	}
	if f.all, err = searchedTags("metadata_all", all); err != nil {
		return nil, err
	}
	if f.any, err = searchedTags("metadata_any", anyOf); err != nil {
		return nil, err
	}
	return n.answered(ctx, "list", f, withMetadata)
}

func (n *NameServer) answered(ctx context.Context, method string, f filter, withMetadata any) (any, error) {
	n.logged(ctx, slog.LevelDebug, method, f.attrs()...)
	records, err := n.find(ctx, f)
	if err != nil {
		return nil, err
	}
	result, err := answer(ctx, records, isTrue(withMetadata))
	return result, n.failed(ctx, err, "")
}

func (n *NameServer) yplookup(ctx context.Context, all, anyOf, withMetadata any) (result any, err error) {
	defer n.numbers.yplookup.done(clock(), &err)
	if isTrue(all) && isTrue(anyOf) {
		return nil, transport.NewError("ValueError", "you can't use meta_all or meta_any at the same time")
	}
	var f filter
	if f.all, err = searchedTags("metadata_all", all); err != nil {
		return nil, err
	}
	if f.any, err = searchedTags("metadata_any", anyOf); err != nil {
		return nil, err
	}
	if len(f.all)+len(f.any) == 0 {
		return &codec.Dict{}, nil
	}
	return n.answered(ctx, "yplookup", f, withMetadata)
}

func (n *NameServer) setMetadata(ctx context.Context, name, metadata any) (err error) {
	defer n.numbers.setMetadata.done(clock(), &err)
	key, ok := stringOf(name)
	if !ok {
		return typeError("name must be a str")
	}
	tags, err := tagsOf("metadata", metadata)
	if err != nil && isIterable(metadata) { // Python looks into it after it has found the name
		if _, unknown := n.store.Get(ctx, key); unknown != nil {
			return n.failed(ctx, unknown, key)
		}
	}
	if err != nil {
		return err
	}
	if err := checkText(storage.Record{Name: key, Tags: tags}); err != nil {
		return err
	}
	if err := n.store.SetTags(ctx, key, tags); err != nil {
		return n.failed(ctx, err, key)
	}
	n.logged(ctx, slog.LevelInfo, "metadata changed", slog.String("name", key), slog.Any("metadata", tags))
	return nil
}

// remove takes name, if there is such a name, else prefix, else regex, and never the name server itself.
func (n *NameServer) remove(ctx context.Context, name, prefix, regex any) (removed int, err error) {
	defer n.numbers.remove.done(clock(), &err)
	if err := checkHashable(name); err != nil && isTrue(name) {
		return 0, err
	}
	if one, _ := stringOf(name); one != "" && one != ObjectName {
		removed, err = n.removeNames(ctx, []string{one})
		if removed > 0 || err != nil {
			return removed, err
		}
	}
	var f filter
	if f.prefix, err = prefixOf(prefix); err != nil {
		return 0, err
	}
	if f.prefix == "" {
		if f.regex, err = regexOf(regex); err != nil {
			return 0, err
		}
	}
	if f.prefix == "" && f.regex == "" {
		return 0, nil
	}
	if info := transport.FromContext(ctx); info != nil {
		info.Room = nil // the answer is a number, however many names are read for it
	}
	records, err := n.find(ctx, f)
	if err != nil {
		return 0, err
	}
	names, err := namesOf(records)
	if err != nil {
		return 0, n.failed(ctx, err, "")
	}
	return n.removeNames(ctx, names)
}

// namesOf returns the names of records, without the name server's own.
func namesOf(records iter.Seq2[storage.Record, error]) ([]string, error) {
	var names []string
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if r.Name != ObjectName {
			names = append(names, r.Name)
		}
	}
	return names, nil
}

// removeMany is how many names are removed at a time: others, lookups too, wait for it.
const removeMany = 1024

func (n *NameServer) removeNames(ctx context.Context, names []string) (removed int, err error) {
	for some := range slices.Chunk(names, removeMany) {
		var count int
		if count, err = n.store.Remove(ctx, some, nil); err != nil {
			break
		}
		n.release(some...)
		removed += count
	}
	if removed > 0 { // those before an error, too
		n.logged(ctx, slog.LevelInfo, "removed", slog.Any("names", someNames(names)), slog.Int("count", removed))
	}
	return removed, n.failed(ctx, err, "")
}

// someNames is what a line of the log holds of many names.
func someNames(names []string) []string { return names[:min(len(names), 10)] }
