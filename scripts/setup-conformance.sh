#!/usr/bin/env bash
# Installs what make conformance needs: the official suite, kept in .cache, and
# a node that can run it. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh # it brings a node that is new enough

stamp=.cache/conformance/.installed
if ! cmp -s scripts/conformance/package-lock.json "$stamp"; then
	echo "setup-conformance: installing the suite"
	mkdir -p .cache/conformance
	cp scripts/conformance/package.json scripts/conformance/package-lock.json .cache/conformance/
	npm ci --prefix .cache/conformance --ignore-scripts --no-audit --no-fund --loglevel=error
	cp scripts/conformance/package-lock.json "$stamp"
fi
