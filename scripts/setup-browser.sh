#!/usr/bin/env bash
# Installs what the browser tests need beside Go: a real Chromium, and what
# drives it and judges its pages, from npm. It does nothing when all of it is
# there.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup-lib.sh

need chromium chromium fonts-dejavu-core
need npm nodejs npm
install_wanted

install_npm scripts/browser .cache/browser "the driver"
