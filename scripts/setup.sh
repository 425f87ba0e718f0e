#!/usr/bin/env bash
# Installs what the demo and the tests need beside Go: a real Secret Service,
# a C compiler for the race detector, valgrind for the instruction counts, and
# real MCP clients from npm. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup-lib.sh

need dbus-daemon dbus
need dbus-run-session dbus
need gnome-keyring-daemon gnome-keyring
need secret-tool libsecret-tools
need gcc gcc libc6-dev
need valgrind valgrind
need unshare util-linux
need npm nodejs npm
install_wanted

# The inspector needs a newer node than Debian has; the package brings one.
install_npm scripts/npm .cache/npm "MCP clients"
