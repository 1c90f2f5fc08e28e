# Shared by the scripts beside this file; to be sourced.

die() {
	echo "$0: $*" >&2
	exit 1
}

# apt_install PACKAGE... installs Debian packages where that can be done without asking; where it
# cannot, it says the one command that does and ends the script.
apt_install() {
	local sudo=""
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
	fi
	local command="${sudo:+$sudo }apt-get update && ${sudo:+$sudo }apt-get install -y $*"
	command -v apt-get >/dev/null || die "missing on this system: $* (Debian's names); install what your system calls them"
	if [ -n "$sudo" ] && ! sudo -n true 2>/dev/null; then
		die "missing: $*; run: $command"
	fi
	echo "installing $*"
	if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >/dev/null; then
		die "could not install $*; run: $command"
	fi
}
