package serpent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec/serpent"
)

// A string alone is read on a way of its own, which must not differ from the common one.
func TestStringAloneIsReadAsAnywhere(t *testing.T) {
	const header = "# serpent utf-8 python3.2\n"
	tests := []struct{ literal, want, wantErr string }{
		{literal: `''`},
		{literal: `'a'`, want: "a"},
		{literal: `"it's"`, want: "it's"},
		{literal: `'long enough for eight bytes at a time'`, want: "long enough for eight bytes at a time"},
		{literal: `'long enough for eight bytes \n and an escape'`, want: "long enough for eight bytes \n and an escape"},
		{literal: `'a' 'b'`, want: "ab"},
		{literal: `'a'"b"`, want: "ab"},
		{literal: `'''a'''`, want: "a"},
		{literal: "'\u20ac'", want: "\u20ac"},
		{literal: "'\x7f'", want: "\x7f"},
		{literal: `'a`, wantErr: "byte"},
		{literal: `'`, wantErr: "byte"},
		{literal: `'a\'`, wantErr: "byte"},
		{literal: "'a\x00b'", wantErr: "byte"},
		{literal: "'a\nb'", wantErr: "byte"},
		{literal: `'a''`, wantErr: "byte"},
		{literal: `"a'`, wantErr: "byte"},
	}
	for _, tt := range tests {
		t.Run(tt.literal, func(t *testing.T) {
			var alone string
			err := serpent.Unmarshal([]byte(header+tt.literal), &alone)
			var listed []string
			listErr := serpent.Unmarshal([]byte(header+"["+tt.literal+"]"), &listed)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				require.Error(t, listErr)
				return
			}
			require.NoError(t, err)
			require.NoError(t, listErr)
			require.Equal(t, tt.want, alone)
			require.Equal(t, []string{tt.want}, listed)
		})
	}
}
