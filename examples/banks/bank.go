// Package banks has the banks of this example. They are told apart by how they treat who is short of money.
package banks

import (
	"maps"
	"sync"

	"github.com/pyrokit/pyrokit/transport"
)

// A Bank keeps accounts.
type Bank struct {
	name    string
	lenient bool

	mu       sync.Mutex
	accounts map[string]float64
}

// New returns a bank; a lenient one lets accounts be overdrawn.
func New(name string, lenient bool) *Bank {
	return &Bank{name: name, lenient: lenient, accounts: map[string]float64{}}
}

// Name returns the bank's name.
func (b *Bank) Name() string { return b.name }

// CreateAccount opens an account; ValueError if there is one.
func (b *Bank) CreateAccount(owner string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.accounts[owner]; ok {
		return transport.NewError("ValueError", "account exists")
	}
	b.accounts[owner] = 0
	return nil
}

// DeleteAccount closes an account; KeyError if there is none.
func (b *Bank) DeleteAccount(owner string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.balance(owner); err != nil {
		return err
	}
	delete(b.accounts, owner)
	return nil
}

// Deposit adds to an account.
func (b *Bank) Deposit(owner string, amount float64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	balance, err := b.balance(owner)
	if err != nil {
		return err
	}
	b.accounts[owner] = balance + amount
	return nil
}

// Withdraw takes from an account; ValueError if there is not enough.
func (b *Bank) Withdraw(owner string, amount float64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	balance, err := b.balance(owner)
	if err != nil {
		return err
	}
	if balance < amount && !b.lenient {
		return transport.NewError("ValueError", "insufficient balance")
	}
	b.accounts[owner] = balance - amount
	return nil
}

// Balance returns what is in an account.
func (b *Bank) Balance(owner string) (float64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.balance(owner)
}

// AllAccounts returns the balances by owner.
func (b *Bank) AllAccounts() map[string]float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.accounts)
}

func (b *Bank) balance(owner string) (float64, error) {
	balance, ok := b.accounts[owner]
	if !ok {
		return 0, transport.NewError("KeyError", "unknown account")
	}
	return balance, nil
}
