#!/usr/bin/env bash
# Builds pyroctl for every system it is released for, static, into dist/. The version comes from
# git's tag through Go's build information.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p dist
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do
	os=${target%/*} arch=${target#*/}
	out=dist/pyroctl-$os-$arch
	if [ "$os" = windows ]; then
		out=$out.exe
	fi
	echo "$out"
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags '-s -w' -o "$out" ./cmd/pyroctl
done
(cd dist && sha256sum pyroctl-* >SHA256SUMS)
