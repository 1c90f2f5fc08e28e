// Package hook lets package codec call the binding engine, which imports codec.
package hook

import "reflect"

// Fill stores the dict or instance tree (a *codec.Dict) in the struct dst, following o (a
// *codec.Options). Package bind sets it when it is loaded; whoever has a codec has bind.
var Fill func(dst reflect.Value, tree, o any) error

// Attributes returns the attributes in a class dict, a *codec.Dict, read with the options o.
var Attributes func(dict, o any) any
