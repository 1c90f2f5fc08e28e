#!/usr/bin/env bash
# Vets and runs every test with the race detector, those against the real Python peers included.
# Arguments are passed to go test; without any it runs all packages.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

command -v go >/dev/null || die "Go is missing; go.mod says which version is wanted"
# The race detector is linked through C.
compiler=$(go env CC)
if ! command -v "${compiler%% *}" >/dev/null; then
	apt_install gcc libc6-dev
fi
export CGO_ENABLED=1

if [ $# -eq 0 ]; then
	set -- ./...
fi
echo "go vet"
go vet -tags integration ./...
echo "go test -race $*"
# The timeout is for one package on a machine that has much else to do.
exec go test -race -shuffle=on -timeout=40m -tags integration "$@"
