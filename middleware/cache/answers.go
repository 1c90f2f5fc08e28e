package cache

import (
	"container/list"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// overhead is about what an answer takes beside its key and its bytes.
const overhead = 300

// answers are kept in the order of their last use.
type answers struct {
	most, size int

	mu    sync.Mutex
	byKey map[string]*list.Element
	used  *list.List // of *answer, the one used last in front
	bytes int
}

type answer struct {
	key   string
	value codec.Value
	end   time.Time
}

func (a *answer) size() int {
	raw, _ := a.value.Raw()
	return len(a.key) + len(raw) + overhead
}

func newAnswers(most, size int) *answers {
	return &answers{most: most, size: size, byKey: map[string]*list.Element{}, used: list.New()}
}

func (a *answers) get(key []byte, now time.Time) (codec.Value, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.byKey[string(key)]
	if e == nil {
		return codec.Value{}, false
	}
	found, _ := e.Value.(*answer)
	if !now.Before(found.end) {
		a.drop(e)
		return codec.Value{}, false
	}
	a.used.MoveToFront(e)
	return found.value, true
}

func (a *answers) put(key []byte, v codec.Value, end time.Time) {
	added := &answer{key: string(key), value: v, end: end}
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.byKey[added.key]; e != nil {
		a.drop(e)
	}
	a.byKey[added.key] = a.used.PushFront(added)
	a.bytes += added.size()
	for last := a.used.Back(); last != nil && (a.bytes > a.size || a.used.Len() > a.most); last = a.used.Back() {
		a.drop(last)
	}
}

func (a *answers) drop(e *list.Element) {
	gone, _ := a.used.Remove(e).(*answer)
	delete(a.byKey, gone.key)
	a.bytes -= gone.size()
}
