# What the setup scripts share: each sources this file, from the root of the
# module.

me=$(basename "$0" .sh)
want=()

# need COMMAND PACKAGE...: the packages are wanted unless the command is there.
need() { command -v "$1" >/dev/null || want+=("${@:2}"); }

# install_wanted installs what is wanted, as root or with sudo.
install_wanted() {
	if ((${#want[@]} == 0)); then return; fi
	if ! command -v apt-get >/dev/null; then
		echo "$me: install these first (no apt-get here): ${want[*]}" >&2
		exit 1
	fi
	local sudo=()
	if ((EUID)); then sudo=(sudo); fi
	echo "$me: installing ${want[*]}"
	"${sudo[@]}" apt-get update -qq
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${want[@]}" >/dev/null
	want=()
}

# install_npm FROM TO WHAT: installs into TO, which is kept, what the lock file
# in FROM names, unless that was done before.
install_npm() {
	if cmp -s "$1/package-lock.json" "$2/.installed"; then return; fi
	echo "$me: installing $3"
	mkdir -p "$2"
	cp "$1/package.json" "$1/package-lock.json" "$2/"
	npm ci --prefix "$2" --ignore-scripts --no-audit --no-fund --loglevel=error
	cp "$1/package-lock.json" "$2/.installed"
}
