#!/bin/sh
# Installs the programs that the tests run, where it may; else says which command
# would.
set -eu

missing=
needs_redis= needs_ripgrep=
for program in redis-server redis-cli rg; do
	command -v "$program" >/dev/null 2>&1 && continue
	missing="$missing $program"
	case $program in
	redis-*) needs_redis=yes ;;
	rg) needs_ripgrep=yes ;;
	esac
done
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
	install="apt-get install -y${needs_redis:+ redis-server}"
elif command -v dnf >/dev/null 2>&1; then
	install="dnf install -y${needs_redis:+ redis}"
elif command -v apk >/dev/null 2>&1; then
	install="apk add${needs_redis:+ redis}"
else
	echo "the tests need$missing: install Redis 6.2 or newer and ripgrep, then run make test again" >&2
	exit 1
fi
install="$install${needs_ripgrep:+ ripgrep}"

as=
if [ "$(id -u)" != 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "the tests need$missing; install them with: sudo $install" >&2
		exit 1
	fi
	as=sudo
fi
echo "the tests need$missing: $as $install"
case $install in apt-get*) $as apt-get update -q ;; esac
DEBIAN_FRONTEND=noninteractive $as $install
