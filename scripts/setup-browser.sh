#!/usr/bin/env bash
# Installs what the browser tests need beside Go: a real Chromium, and what
# drives it and judges its pages, from npm. It does nothing when all of it is
# there.
set -euo pipefail
cd "$(dirname "$0")/.."

want=()
need() { command -v "$1" >/dev/null || want+=("${@:2}"); }
need chromium chromium fonts-dejavu-core
need npm nodejs npm

if ((${#want[@]})); then
	if ! command -v apt-get >/dev/null; then
		echo "setup-browser: install these first (no apt-get here): ${want[*]}" >&2
		exit 1
	fi
	sudo=()
	if ((EUID)); then sudo=(sudo); fi
	echo "setup-browser: installing ${want[*]}"
	"${sudo[@]}" apt-get update -qq
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${want[@]}" >/dev/null
fi

stamp=.cache/browser/.installed
if ! cmp -s scripts/browser/package-lock.json "$stamp"; then
	echo "setup-browser: installing the driver"
	mkdir -p .cache/browser
	cp scripts/browser/package.json scripts/browser/package-lock.json .cache/browser/
	npm ci --prefix .cache/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	cp scripts/browser/package-lock.json "$stamp"
fi
