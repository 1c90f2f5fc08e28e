// Package configv1 has the messages of configurations: servers, proxies, name servers, and the settings of each
// middleware. The .proto files describe every field, its default and its bounds; all Go files but this one are made of
// them. The options of package service fill these very messages.
//
// It knows nothing of what is made of them: package service/config reads files of them and builds what they describe.
package configv1
