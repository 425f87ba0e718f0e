#!/usr/bin/env bash
# Runs the real clients where only this machine can be reached, and where
# nothing that they start outlives the run. With -update, docs/clients.md is
# written anew from what is seen.
set -euo pipefail
cd "$(dirname "$0")/.."
userns=()
if ((EUID)); then userns=(--map-root-user); fi
exec unshare "${userns[@]}" --net --pid --fork --kill-child --mount-proc bash -c \
	'ip link set lo up && exec go test -count=1 -timeout 10m -tags clients -v ./evals/clients "$@"' - "$@"
