// A chat room: it calls its guests back.
package main

import (
	"context"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A room knows its guests by their proxies.
type room struct {
	mu     sync.Mutex
	guests map[string]*service.Proxy
}

// Join lets a guest in and returns who is there.
func (r *room) Join(ctx context.Context, nick string, guest *service.Proxy) ([]string, error) {
	r.mu.Lock()
	if _, taken := r.guests[nick]; taken || nick == "" {
		r.mu.Unlock()
		_ = guest.Close()
		return nil, transport.NewError("ValueError", "this nick is taken")
	}
	r.guests[nick] = guest
	there := slices.Sorted(maps.Keys(r.guests))
	r.mu.Unlock()
	r.Publish(ctx, "SERVER", nick+" joined")
	return there, nil
}

// Publish tells everybody but the speaker. A guest who cannot be told has left.
func (r *room) Publish(ctx context.Context, nick, text string) {
	r.mu.Lock()
	guests := maps.Clone(r.guests) // nobody waits for the lock while guests are called
	r.mu.Unlock()
	delete(guests, nick)
	for name, guest := range guests {
		if err := service.Do(ctx, guest, "message", nick, text, service.Timeout(5*time.Second)); err != nil {
			log.Print(err)
			r.remove(name)
		}
	}
}

// Leave lets a guest out.
func (r *room) Leave(ctx context.Context, nick string) {
	r.remove(nick)
	r.Publish(ctx, "SERVER", nick+" left")
}

func (r *room) remove(nick string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if guest, ok := r.guests[nick]; ok {
		_ = guest.Close() // whoever got a proxy closes it
		delete(r.guests, nick)
	}
}

func main() {
	chat := service.Of(&room{guests: map[string]*service.Proxy{}}).Named("example.chatbox")
	srv := service.NewServer(service.Announce(nameserver.Registrar(pyro.DialConfig{})))
	if err := srv.Add(chat); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := srv.Run(ctx); err != nil {
		log.Print(err)
	}
}
