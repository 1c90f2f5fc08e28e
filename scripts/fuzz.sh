#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (default 10s), one after the other, then MUTATIONS (default 1000000)
# changed messages for each serializer, and names those that failed.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${FUZZTIME:-10s}
listed=$(go test -list '^Fuzz' ./...)
failed=()
targets=()
# A package's targets come first, then a line "ok PACKAGE TIME".
while read -r word package _; do
	case $word in
	Fuzz*) targets+=("$word") ;;
	ok)
		for target in ${targets[@]+"${targets[@]}"}; do
			echo "fuzz $package $target $fuzztime"
			go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "$package" </dev/null ||
				failed+=("$package $target")
		done
		targets=()
		;;
	esac
done <<<"$listed"

mutations=${MUTATIONS:-1000000}
echo "mutations $mutations"
PYROKIT_MUTATIONS=$mutations go test -count=1 -timeout 2h -run '^TestMutations$' ./codec/... | grep -v 'no test' ||
	failed+=("mutations")

if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
