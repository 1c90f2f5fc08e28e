// A guest of the chat room: it serves an object that the room calls.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/pyrokit/pyrokit/service"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: client NICK")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(nick string) error {
	ctx := context.Background()
	guest := service.New("guest")
	guest.Method("message", func(from, text string) { fmt.Printf("[%s] %s\n", from, text) }, service.Oneway())
	srv := service.NewServer() // on any free port of localhost
	if err := srv.Add(guest); err != nil {
		return err
	}
	if err := srv.Start(); err != nil {
		return err
	}
	defer srv.Shutdown(ctx) //nolint:errcheck // the program ends

	room, err := service.Connect("PYRONAME:example.chatbox")
	if err != nil {
		return err
	}
	defer room.Close()
	there, err := service.Call[[]string](ctx, room, "join", nick, guest) // it arrives as a proxy
	if err != nil {
		return err
	}
	fmt.Println("In the room:", strings.Join(there, ", "))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan() && lines.Text() != "/quit"; {
		if err := service.Do(ctx, room, "publish", nick, lines.Text()); err != nil {
			return err
		}
	}
	return service.Do(ctx, room, "leave", nick)
}
