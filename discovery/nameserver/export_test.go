package nameserver

var BroadcastAddress = broadcastAddress

// BroadcastAddresses returns where a broadcast to given is sent.
func BroadcastAddresses(given ...string) []string { return broadcastAddresses(given) }
