#!/usr/bin/env bash
# Fails when the .proto files break what was written for those of another revision, AGAINST: a configuration, or
# a program. Without one it is the last release; before the first there is nothing to break.
# Run it through make breaking, which sets up buf.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

against=${AGAINST:-$(git describe --tags --abbrev=0 2>/dev/null || true)}
if [ -z "$against" ]; then
	echo "no release yet; AGAINST=REVISION names another revision"
	exit 0
fi
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$against" proto buf.yaml | tar -x -C "$before"
mkdir -p "$before/.tools"
cp -r .tools/protovalidate "$before/.tools/"
buf breaking proto --against "$before/proto" || die "the .proto files break those of $against"
echo "nothing of $against is broken"
