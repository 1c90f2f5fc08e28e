// Package config loads configurations: files in YAML, JSON or textproto of the message pyrokit.config.v1.Config, whose
// .proto files describe each field. It checks them, says where each value comes from, writes them out, and builds what
// they describe.
//
// It knows messages and how people write them. What a setting does is the business of the package that it belongs to;
// and nothing here is on the path of a call.
//
// # Values
//
// Fields are written in snake_case, or in lowerCamelCase. What is unknown is an error. null unsets a field.
//
//   - Times are those of Go: 250ms, 1m30s. Numbers of bytes (fields that end in _size) may have a unit: 64MiB, 10MB.
//   - Values of enums are written by name, in any case, with or without what they all begin with: pyro5 for DIALECT_PYRO5.
//   - A Secret is {env: NAME}, {file: PATH} or {value: TEXT}; "${NAME}" and "${file:PATH}" are short for the first two.
//   - A Chain is the list of its entries. An entry is the name of a middleware, or a map with that name and the settings:
//     "- rate_limit: {rules: [{rate: 100}]}". It may have a name of its own beside them. {name, config: {"@type": ...}} is the
//     long way to write it.
//   - In every other text ${NAME} is replaced by a variable, ${NAME:-DEFAULT} by the default if the variable is not set or
//     empty, and ${file:PATH} by what is in a file, without the newline at its end. $${ stands for ${. This is done after a
//     file was parsed: what is put in is never read as structure.
//
// Paths of files, in secrets, TLS and references, are relative to the working directory; those in include to the file
// that they stand in. A file is at most 1 MiB large. Aliases and merge keys of YAML work, and are counted as what they
// stand for.
//
// # What counts more
//
// From the weakest to the strongest: defaults; files that include names, in order; the file itself; later files of
// [Load]; the variables of Pyro's users, PYRO_HOST and so on; [Set]. Messages are merged field by field and maps by key. A list
// replaces the whole list before it, a chain too. In include, a plain path has to be there, a pattern with *, ? or [ may
// find nothing, and leaves out the file that it stands in.
//
// PYRO_* variables set fields of the log, and of the server, the name server's own server, and all proxies, as far as these
// are in the configuration. PYRO_HOST, PYRO_NATHOST, PYRO_NS_HOST and PYRO_NS_PORT do not replace what is written there, as it is
// with options in code: they are for listeners without an address, and for name servers that nobody names. Nor do PYRO_NS_BCPORT
// and PYRO_BROADCAST_ADDRS replace what a broadcast_lookup says.
//
// # Errors
//
// [Load] returns everything that is wrong, as [Errors], each with file, line, column, path of the field, and what would be
// right:
//
//	site.yaml:12:16: server.limits.max_depth: want 0 to 10000, found -3
//	site.yaml:13:5: server.limits.max_dept: unknown field; did you mean max_depth?
//
// Neither errors nor dumps show secrets, or what ${...} was replaced by in a value that is wrong.
package config
