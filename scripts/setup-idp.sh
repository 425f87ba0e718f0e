#!/usr/bin/env bash
# Installs what make idp needs: what the other tests need, a browser, and two
# identity providers that are kept in .cache. It does nothing when all of it is
# there.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/setup-browser.sh
source scripts/setup-lib.sh

cache=.cache/idp
mkdir -p "$cache/oidc"
if ! cmp -s scripts/idp/dex/go.sum "$cache/.dex"; then
	echo "setup-idp: building Dex, about 90 CPU-seconds once"
	go -C scripts/idp/dex build -trimpath -o "$PWD/$cache/dex" github.com/dexidp/dex/cmd/dex
	cp scripts/idp/dex/go.sum "$cache/.dex"
fi

install_npm scripts/idp/oidc "$cache/oidc" "oidc-provider and playwright-core"
# node looks for packages beside the script: the scripts go where they are.
cp scripts/idp/oidc/*.mjs "$cache/oidc/"
