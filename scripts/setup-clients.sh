#!/usr/bin/env bash
# Installs what make clients needs: six clients, kept in .cache, beside the
# inspector and the node that scripts/setup.sh brings. They are packages for
# Linux on x86-64. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh

source scripts/setup-lib.sh
need ip iproute2
install_wanted

stamp=.cache/clients/.installed
if ! cmp -s scripts/clients/package-lock.json "$stamp"; then
	echo "setup-clients: installing the clients, 1.3 GB"
	mkdir -p .cache/clients
	cp scripts/clients/package.json scripts/clients/package-lock.json .cache/clients/
	# Not npm ci, which wants every optional package in the lock: one client
	# names some that do not exist. What is in the lock is what is installed.
	npm install --prefix .cache/clients --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
	cp scripts/clients/package-lock.json "$stamp"
fi
