#!/usr/bin/env bash
# Sets up the real Python peers, Pyro4 and Pyro5, in .peers/venv. Does nothing when they are there.
# PYTHON chooses the interpreter (default: python3).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

requirements=integration/requirements.txt
venv=.peers/venv
stamp=.peers/stamp

wanted() {
	cksum <"$requirements"
}

ready() {
	[ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ] &&
		"$venv/bin/python" -c 'import Pyro4, Pyro5.api, msgpack' 2>/dev/null
}

# make_venv PYTHON makes a fresh environment; it fails when that Python or its venv is missing.
make_venv() {
	rm -rf "$venv"
	"$1" -m venv "$venv" >.peers/venv.log 2>&1
}

if ready; then
	exit 0
fi
mkdir -p .peers
rm -f "$stamp"
python=${PYTHON:-python3}
echo "making $venv with $python"
if ! make_venv "$python"; then
	# Debian ships venv apart from Python, and its package serves Debian's own Python alone.
	apt_install python3-venv
	make_venv "$python" || make_venv /usr/bin/python3 || die "$python -m venv $venv fails: $(tail -n 1 .peers/venv.log)"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" ||
	die "pip could not install $requirements"
wanted >"$stamp"
ready || die "the peers are installed in $venv but cannot be imported: $("$venv/bin/python" -c 'import Pyro4, Pyro5.api, msgpack' 2>&1 | tail -n 1)"
