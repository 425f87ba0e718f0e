#!/usr/bin/env bash
# Installs what the demo and the tests need beside Go: a real Secret Service,
# a C compiler for the race detector, valgrind for the instruction counts, and
# real MCP clients from npm. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

want=()
need() { command -v "$1" >/dev/null || want+=("${@:2}"); }
need dbus-daemon dbus
need dbus-run-session dbus
need gnome-keyring-daemon gnome-keyring
need secret-tool libsecret-tools
need gcc gcc libc6-dev
need valgrind valgrind
need unshare util-linux
need npm nodejs npm

if ((${#want[@]})); then
	if ! command -v apt-get >/dev/null; then
		echo "setup: install these first (no apt-get here): ${want[*]}" >&2
		exit 1
	fi
	sudo=()
	if ((EUID)); then sudo=(sudo); fi
	echo "setup: installing ${want[*]}"
	"${sudo[@]}" apt-get update -qq
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${want[@]}" >/dev/null
fi

# The inspector needs a newer node than Debian has; the package brings one.
stamp=.cache/npm/.installed
if ! cmp -s scripts/npm/package-lock.json "$stamp"; then
	echo "setup: installing MCP clients"
	mkdir -p .cache/npm
	cp scripts/npm/package.json scripts/npm/package-lock.json .cache/npm/
	npm ci --prefix .cache/npm --ignore-scripts --no-audit --no-fund --loglevel=error
	cp scripts/npm/package-lock.json "$stamp"
fi
