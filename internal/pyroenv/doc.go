// Package pyroenv knows Pyro's configuration items, reads them from the environment, as Pyro4 and Pyro5
// do: PYRO_ and the item's name, and says which fields of the configuration's messages they stand for.
//
// It makes nothing of them: package service does for code, service/config for files.
package pyroenv
