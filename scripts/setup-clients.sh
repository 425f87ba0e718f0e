#!/usr/bin/env bash
# Installs what make clients needs: six clients, kept in .cache, beside the
# inspector and the node that scripts/setup.sh brings. They are packages for
# Linux on x86-64. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh

if ! command -v ip >/dev/null; then
	if ! command -v apt-get >/dev/null; then
		echo "setup-clients: install iproute2 first (no apt-get here)" >&2
		exit 1
	fi
	sudo=()
	if ((EUID)); then sudo=(sudo); fi
	echo "setup-clients: installing iproute2"
	"${sudo[@]}" apt-get update -qq
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends iproute2 >/dev/null
fi

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
