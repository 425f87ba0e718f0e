#!/usr/bin/env bash
# Installs what make conformance needs: the official suite, kept in .cache, and
# a node that can run it. It does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh # it brings a node that is new enough
source scripts/setup-lib.sh

need curl curl ca-certificates
install_wanted
install_npm scripts/conformance .cache/conformance "the conformance suite"
