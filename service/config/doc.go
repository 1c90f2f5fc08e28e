// Package config loads configurations of servers, proxies and name servers, and builds them.
package config
