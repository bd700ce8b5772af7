#!/bin/sh
# Runs tests against other servers than the one that is installed: Redis and Valkey of other Debian releases, which it
# fetches, with the libraries that they need, and unpacks into a folder. Nothing is installed, and no source of
# packages of this machine is changed. It needs Debian's apt-get and dpkg-deb, and the archive.
#
# usage: servers.sh FOLDER command...
#
# The command is run once for each server, which is redis-server in its PATH.
set -eu

folder=$1
shift
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

# The server; the release that has it.
servers='
redis  trixie
redis  sid
valkey bookworm-backports
valkey trixie
valkey sid
'

# What the servers link, and what that links.
libraries='libc6 libgcc-s1 libatomic1 libjemalloc2 liblzf1 libssl3t64 libssl3 libstdc++6 libsystemd0 libcap2 libzstd1 zlib1g
	liblua5.1-0 lua-bitop lua-cjson liblzma5 liblz4-1 libgcrypt20 libgpg-error0'

apt="$folder/apt"
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
: >"$apt/state/status"
for suite in bookworm bookworm-backports trixie sid; do
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done >"$apt/sources.list"
cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
export APT_CONFIG="$apt/apt.conf"
apt-get -q update

# fetch SUITE FOLDER PACKAGE...: unpacks those of the packages that the release has.
fetch() {
	suite=$1 into=$2
	shift 2
	mkdir -p "$into/debs"
	found=$(apt-cache madison "$@" | awk -F'|' -v s="$suite/main" '
		{ gsub(/ /, "", $1); gsub(/ /, "", $2); split($3, w, " ") }
		w[2] == s && !seen[$1]++ { print $1 "=" $2 }')
	# shellcheck disable=SC2086 # it is a list
	(cd "$into/debs" && apt-get -q download $found)
	for deb in "$into"/debs/*.deb; do
		dpkg-deb -x "$deb" "$into"
	done
}

failed=
while read -r server suite; do
	[ -n "$server" ] || continue
	root="$folder/$server-$suite"
	if [ ! -x "$root/bin/redis-server" ]; then
		rm -rf "$root"
		fetch "$suite" "$root" "$server-server" "$server-tools"
		# shellcheck disable=SC2086 # it is a list
		fetch "${suite%-backports}" "$root" $libraries
		libs=$(dirname "$(find "$root" -name libc.so.6 | head -n 1)")
		loader=$(find "$root" -name 'ld-linux-*.so.*' | head -n 1)
		mkdir "$root/bin"
		printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' "$loader" "$libs" "$root/usr/bin/$server-server" >"$root/bin/redis-server"
		chmod +x "$root/bin/redis-server"
	fi
	echo "--- $("$root/bin/redis-server" --version)"
	PATH="$root/bin:$PATH" "$@" </dev/null || failed="$failed $server of $suite"
done <<LIST
$servers
LIST
[ -z "$failed" ] || { echo "failed with$failed" >&2; exit 1; }
