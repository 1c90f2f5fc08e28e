package configv1_test

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// The messages have the text form of all protobuf messages; a field that does not exist is an error.
func Example() {
	var server configv1.Server
	err := protojson.Unmarshal([]byte(`{
		"listeners": [{"network": "tcp", "address": "localhost:9999"}],
		"limits": {"maxConnections": 100},
		"drainTimeout": "5s"
	}`), &server)
	fmt.Println(err)
	fmt.Println(server.GetListeners()[0].GetAddress(), server.GetLimits().GetMaxConnections(), server.GetDrainTimeout().AsDuration())
	// Output:
	// <nil>
	// localhost:9999 100 5s
}
