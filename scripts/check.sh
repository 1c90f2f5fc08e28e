#!/usr/bin/env bash
# Fails when formatting, a go.mod or generated code is not what the tools make of the tree, when a package
# does not say what it is for, when the core links what its users should not have to, or when the benchmark
# does not work.
# Run it through make check, which sets up the tools.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || die "not formatted: $unformatted"

for module in . integration/bench; do
	go -C "$module" mod tidy -diff || die "run go mod tidy in $module"
done

# Packages say what they are for, and those that users import show it.
while read -r name dir comment; do
	[ "$comment" = true ] || die "$dir: no package comment"
	case $name:${dir#"$PWD"}/ in
	main:* | *:*/internal/* | *:/examples/* | *:/integration/*) continue ;;
	esac
	[ -e "$dir/doc.go" ] || die "$dir: no doc.go"
	grep -qs '// \(Unordered o\|O\)utput:' "$dir"/*_test.go || die "$dir: no example that runs"
done < <(go list -f '{{if .GoFiles}}{{.Name}} {{.Dir}} {{ne .Doc ""}}{{end}}' ./... | grep .)

# depguard sees what a package imports itself; this, what comes with it.
allowed='github.com/pyrokit/pyrokit|github.com/google/uuid|github.com/klauspost/compress|golang.org/x/text|google.golang.org/protobuf|buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go'
# Packages that only tests import may have more.
mapfile -t core < <(go list ./codec/... ./transport/... ./service | grep -vE '/internal/(codectest|vectors)$')
linked=$(go list -deps -f '{{with .Module}}{{.Path}}{{end}}' "${core[@]}")
foreign=$(sort -u <<<"$linked" | grep -vxE "$allowed|" || true)
[ -z "$foreign" ] || die "codec, transport or service links $foreign"

# The benchmark is a module of its own: ./... does not reach it.
go -C integration/bench vet ./...
go -C integration/bench test ./...

# Generated into a folder of its own: the tree stays as it is, whatever is being worked on.
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
buf generate proto -o "$fresh"
while read -r file; do
	diff -q "$file" "$fresh/$file" || die "run make generate: $file is not what its .proto says"
done < <(cd "$fresh" && find . -name '*.go')

buf build --path proto/pyrokit/config/v1 --exclude-imports --as-file-descriptor-set -o "$fresh/schema.binpb.gz"
diff -q service/config/schema.binpb.gz "$fresh/schema.binpb.gz" ||
	die "run make generate: service/config/schema.binpb.gz is not what the .proto files say"
go run ./internal/cmd/protodoc "$fresh/schema.binpb.gz" "$fresh/reference.md"
diff -q docs/reference.md "$fresh/reference.md" ||
	die "run make generate: docs/reference.md is not what the .proto files say"
