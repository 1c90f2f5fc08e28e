package auth

// ForgetReplays forgets what the verifiers remember that are made from configuration.
func ForgetReplays() { replays = newMemory() }
