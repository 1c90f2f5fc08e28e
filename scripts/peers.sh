#!/usr/bin/env bash
# Sets up the real peers: Pyro4 and Pyro5 for Python in .peers/venv, both lines of Pyrolite for Java in .peers/pyrolite.
# Does nothing when they are there. PYTHON chooses the interpreter (default: python3).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

requirements=integration/requirements.txt
venv=.peers/venv
stamp=.peers/stamp

pom=integration/pyrolite/pom.xml
jars=.peers/pyrolite
jars_stamp=$jars/stamp

# made FILE STAMP tells whether what FILE asks for was made: STAMP holds its checksum.
made() {
	[ -e "$2" ] && [ "$(cat "$2")" = "$(cksum <"$1")" ]
}

python_ready() {
	made "$requirements" "$stamp" && "$venv/bin/python" -c 'import Pyro4, Pyro5.api, msgpack' 2>/dev/null
}

# make_venv PYTHON makes a fresh environment; it fails when that Python or its venv is missing.
make_venv() {
	rm -rf "$venv"
	"$1" -m venv "$venv" >.peers/venv.log 2>&1
}

set_up_python() {
	rm -f "$stamp"
	local python=${PYTHON:-python3}
	echo "making $venv with $python"
	if ! make_venv "$python"; then
		# Debian ships venv apart from Python, and its package serves Debian's own Python alone.
		apt_install python3-venv
		make_venv "$python" || make_venv /usr/bin/python3 || die "$python -m venv $venv fails: $(tail -n 1 .peers/venv.log)"
	fi
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" ||
		die "pip could not install $requirements"
	cksum <"$requirements" >"$stamp"
	python_ready || die "the peers are installed in $venv but cannot be imported: $("$venv/bin/python" -c 'import Pyro4, Pyro5.api, msgpack' 2>&1 | tail -n 1)"
}

# missing_java names the Debian packages of what Java programs are compiled with and, without jars, fetched with.
missing_java() {
	command -v javac >/dev/null || echo default-jdk-headless
	made "$pom" "$jars_stamp" || command -v mvn >/dev/null || echo maven
}

pyrolite_ready() {
	[ -z "$(missing_java)" ] && made "$pom" "$jars_stamp"
}

set_up_pyrolite() {
	local missing
	missing=$(missing_java)
	if [ -n "$missing" ]; then
		apt_install $missing
	fi
	if made "$pom" "$jars_stamp"; then
		return
	fi
	echo "fetching Pyrolite into $jars"
	rm -rf "$jars"
	mvn --quiet --batch-mode --file "$pom" -Djars="$PWD/$jars" validate >.peers/mvn.log 2>&1 ||
		die "Maven could not fetch what $pom names: $(grep -m 1 ERROR .peers/mvn.log || tail -n 1 .peers/mvn.log)"
	cksum <"$pom" >"$jars_stamp"
}

mkdir -p .peers
python_ready || set_up_python
pyrolite_ready || set_up_pyrolite
