package nameserver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
)

// ResolveTags returns the entries that have all of tags, in the order of their names (Pyro5's yplookup,
// Pyro4's list). None at all is an error that matches transport.ErrNotFound.
func (c *Client) ResolveTags(ctx context.Context, tags []string) ([]discovery.Entry, error) {
	_, peer, _, err := c.client.Connect(ctx)
	if err != nil {
		return nil, err
	}
	method, argument := "yplookup", "meta_all"
	if peer.Dialect == codec.Pyro4 {
		method, argument = "list", "metadata_all"
	}
	var answer map[string]any
	if err := c.call(ctx, &answer, method, codec.Kwargs{argument: tags, "return_metadata": true}); err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return nil, transport.Errorf(transport.CodeNotFound,
			"no registrations available with desired metadata properties {'%s'}", strings.Join(tags, "', '"))
	}
	entries, err := entriesOf(answer)
	if err != nil {
		return nil, fmt.Errorf("answer of the name server to %s: %w", method, err)
	}
	return entries, nil
}

// entriesOf reads entries as a name server lists them with their metadata.
func entriesOf(answer map[string]any) ([]discovery.Entry, error) {
	entries := make([]discovery.Entry, 0, len(answer))
	for name, v := range answer {
		pair := elements(v)
		if len(pair) != 2 {
			return nil, fmt.Errorf("%s: want a URI and metadata, got %T", name, v)
		}
		uri, err := asURI(pair[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		entries = append(entries, discovery.Entry{Name: name, URI: uri, Metadata: asTags(pair[1])})
	}
	slices.SortFunc(entries, func(a, b discovery.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}
