// Package auth checks who connects, and who may call what.
//
// The client says a credential in its handshake, the server accepts it ([Verify]) and knows the principal in
// the context of every call, or denies the connection before anything else of it is looked at. A credential is
// a token ([Credential], [Tokens]), a signature that can be used once ([Sign], [HMAC]), the certificate of a
// TLS connection ([Certificate]), or what a [Verifier] of one's own takes. [Authorize] then decides by rules
// what a principal may call.
//
// A Python client says its credential by setting _pyroHandshake of its proxy: the token itself, or a dict with
// the key "token". A signature takes three lines; object is that of the URI, as in proxy._pyroUri.object:
//
//	now, nonce = str(int(time.time())), os.urandom(16).hex()
//	mac = hmac.new(key, "\n".join(["irma", now, nonce, object]).encode(), "sha256").hexdigest()
//	proxy._pyroHandshake = {"principal": "irma", "time": now, "nonce": nonce, "mac": mac}
//
// Each connection needs a signature of its own: set it again before the proxy connects anew.
package auth
