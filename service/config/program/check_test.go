package program_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/config/program"
)

// Of the files that a program writes it is said beforehand what is wrong with them, and none is made.
func TestCheckFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("folder", 0o700))
	for name, text := range map[string]string{"text": "no storage at all", "empty": ""} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	for text, want := range map[string]string{
		`log: {output: new.log}`:                                                 "",
		`log: {output: stdout}`:                                                  "",
		`log: {output: text}`:                                                    "",
		`log: {output: gone/new.log}`:                                            "log.output: stat gone: ",
		`log: {output: folder}`:                                                  "log.output: open folder: is a directory",
		`name_server: {storage: {memory: {}}}`:                                   "",
		`name_server: {storage: {sql: new.sqlite}}`:                              "",
		`name_server: {storage: {sql: empty}}`:                                   "",
		`name_server: {storage: {sql: gone/new.sqlite}}`:                         "name_server.storage.sql: stat gone: ",
		`name_server: {storage: {sql: folder}}`:                                  "name_server.storage.sql: open folder: is a directory",
		`name_server: {storage: {sql: text}}`:                                    "name_server.storage.sql: text: not a file of this storage",
		`name_server: {storage: {dbm: new}}`:                                     "",
		`name_server: {storage: {dbm: gone/new}}`:                                "name_server.storage.dbm: stat gone: ",
		`name_server: {storage: {dbm: text}}`:                                    "name_server.storage.dbm: text: not a file of this storage",
		`server: {listeners: [{network: unix, address: new.sock}]}`:              "",
		`server: {listeners: [{network: unix, address: gone/new.sock}]}`:         "server.listeners[0].address: stat gone: ",
		`name_server: {server: {listeners: [{network: unix, address: folder}]}}`: "name_server.server.listeners[0].address: folder: there is something",
		`server: {hmac_key: {file: gone}}`:                                       "server.hmac_key: read a secret: open gone: ",
	} {
		require.NoError(t, os.WriteFile("site.yaml", []byte(text), 0o600))
		f, err := config.Load([]string{"site.yaml"})
		require.NoError(t, err, text)
		err = program.CheckFiles(f)
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, want, text)
			require.ErrorContains(t, err, "site.yaml:1:", text)
			p, err := program.New([]string{"site.yaml"}) // a socket is made by Run
			if err == nil {
				require.NoError(t, p.Close(), text)
				require.Contains(t, text, "unix", "New finds nothing wrong")
			}
		}
	}
	made, err := filepath.Glob("new*")
	require.NoError(t, err)
	require.Empty(t, made)
}
