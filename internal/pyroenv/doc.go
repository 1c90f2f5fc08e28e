// Package pyroenv knows Pyro's configuration items and reads them from the environment, as Pyro4 and Pyro5
// do: PYRO_ and the item's name.
//
// It knows names, types and defaults, not what an item does.
package pyroenv
