package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/service/config"
)

// What a configuration names is read where that is asked for, and only there.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	pair := certtest.NewCA(t, "authority")
	cert := certtest.Write(t, filepath.Join(dir, "cert.pem"), pair.CertPEM)
	key := certtest.Write(t, filepath.Join(dir, "key.pem"), pair.KeyPEM)
	junk := certtest.Write(t, filepath.Join(dir, "junk.pem"), []byte("hunter2"))
	t.Setenv("THERE", "hunter2")
	for text, want := range map[string]string{
		`server: {tls: {cert: ` + cert + `, key: ` + key + `}}`:                           "",
		`server: {tls: {cert: ` + cert + `}}`:                                             "server.tls: ",
		`server: {tls: {cert: ` + cert + `, key: ` + junk + `}}`:                          "server.tls: ",
		`admin: {tls: {cert: gone.pem, key: ` + key + `}}`:                                "admin.tls: ",
		`proxies: {a: {uri: "PYRO:a@b:1", tls: {ca: [gone.pem]}}}`:                        `proxies["a"].tls: `,
		`server: {hmac_key: {env: THERE}}`:                                                "",
		`server: {hmac_key: {env: NOT_THERE}}`:                                            "server.hmac_key: the variable NOT_THERE is empty or not set",
		`server: {chain: [token_auth: {principals: {a: "${THERE}"}}]}`:                    "",
		`server: {chain: [token_auth: {principals: {a: "${NOT_THERE}"}}]}`:                "the variable NOT_THERE is empty or not set",
		`proxies: {a: {uri: "PYRO:a@b:1", chain: [token_auth: {token: "${file:gone}"}]}}`: "token: read a secret: open gone: no such file",
	} {
		name := filepath.Join(dir, "site.yaml")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		f, err := config.Load([]string{name})
		require.NoError(t, err, text)
		err = f.CheckFiles()
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "site.yaml:1:", text)
		require.NotContains(t, err.Error(), "hunter2", text)
		var wrong config.Errors
		require.ErrorAs(t, err, &wrong, text)
		require.Len(t, wrong, 1, text)
	}
}
