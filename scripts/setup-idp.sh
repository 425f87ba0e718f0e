#!/usr/bin/env bash
# Installs what make idp needs: a browser, and two identity providers that are
# kept in .cache. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh

if ! command -v chromium >/dev/null; then
	if ! command -v apt-get >/dev/null; then
		echo "setup-idp: install chromium first (no apt-get here)" >&2
		exit 1
	fi
	sudo=()
	if ((EUID)); then sudo=(sudo); fi
	echo "setup-idp: installing chromium"
	"${sudo[@]}" apt-get update -qq
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

cache=.cache/idp
mkdir -p "$cache/oidc"
if ! cmp -s scripts/idp/dex/go.sum "$cache/.dex"; then
	echo "setup-idp: building Dex, about 90 CPU-seconds once"
	go -C scripts/idp/dex build -trimpath -o "$PWD/$cache/dex" github.com/dexidp/dex/cmd/dex
	cp scripts/idp/dex/go.sum "$cache/.dex"
fi

# node looks for packages beside the script: the scripts go where they are.
cp scripts/idp/oidc/* "$cache/oidc/"
if ! cmp -s scripts/idp/oidc/package-lock.json "$cache/.oidc"; then
	echo "setup-idp: installing oidc-provider and playwright-core"
	npm ci --prefix "$cache/oidc" --ignore-scripts --no-audit --no-fund --loglevel=error
	cp scripts/idp/oidc/package-lock.json "$cache/.oidc"
fi
