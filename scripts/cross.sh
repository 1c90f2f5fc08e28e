#!/usr/bin/env bash
# Vets the whole tree, tests included, for the systems that pyroctl is released for and whose files Linux does not
# compile, for a BSD, and for 32 bits. It runs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

for target in windows/amd64 darwin/arm64 freebsd/amd64 linux/386; do
	echo "go vet $target"
	GOOS=${target%/*} GOARCH=${target#*/} go vet -tags integration ./...
done
