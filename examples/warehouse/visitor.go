package warehouse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A House is what a visitor sees: a *Warehouse in the same program, or a Remote one.
type House interface {
	ListContents(ctx context.Context) ([]string, error)
	Take(ctx context.Context, name, item string) error
	Store(ctx context.Context, name, item string) error
}

// Remote is a House at the other end of a proxy.
type Remote struct{ Proxy *service.Proxy }

// ListContents calls list_contents.
func (r Remote) ListContents(ctx context.Context) ([]string, error) {
	return service.Call[[]string](ctx, r.Proxy, "list_contents")
}

// Take calls take.
func (r Remote) Take(ctx context.Context, name, item string) error {
	return service.Do(ctx, r.Proxy, "take", name, item)
}

// Store calls store.
func (r Remote) Store(ctx context.Context, name, item string) error {
	return service.Do(ctx, r.Proxy, "store", name, item)
}

// Visits has Janet and Henry visit the house, one after the other; in says what they want.
func Visits(ctx context.Context, house House, in io.Reader) error {
	lines := bufio.NewScanner(in)
	for _, name := range []string{"Janet", "Henry"} {
		if err := visit(ctx, house, name, lines); err != nil {
			return err
		}
	}
	return nil
}

func visit(ctx context.Context, house House, name string, lines *bufio.Scanner) error {
	fmt.Printf("This is %s.\n", name)
	item, err := ask(ctx, house, lines, "Type a thing you want to store (or empty): ")
	if err == nil && item != "" {
		err = house.Store(ctx, name, item)
	}
	if err != nil {
		return err
	}
	item, err = ask(ctx, house, lines, "Type something you want to take (or empty): ")
	if err == nil && item != "" {
		err = house.Take(ctx, name, item)
	}
	var e *transport.Error
	if errors.As(err, &e) && e.Class == "builtins.ValueError" {
		fmt.Println("Sorry,", e.Message) // any other error is not the visitor's
		err = nil
	}
	if err != nil {
		return err
	}
	fmt.Println("Thank you, come again!")
	return nil
}

func ask(ctx context.Context, house House, lines *bufio.Scanner, question string) (string, error) {
	contents, err := house.ListContents(ctx)
	if err != nil {
		return "", err
	}
	fmt.Println("The warehouse contains:", strings.Join(contents, ", "))
	fmt.Print(question)
	lines.Scan() // at the end of input the answer is empty
	return strings.TrimSpace(lines.Text()), nil
}
