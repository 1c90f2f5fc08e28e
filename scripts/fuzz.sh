#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (default 10s), one after the other, and names those that failed.
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

if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
