#!/bin/sh
# Installs the programs that the tests run, where it may; else says which command
# would.
set -eu

missing=
for program in redis-server redis-cli; do
	command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
	install="apt-get install -y redis-server"
elif command -v dnf >/dev/null 2>&1; then
	install="dnf install -y redis"
elif command -v apk >/dev/null 2>&1; then
	install="apk add redis"
else
	echo "the tests need$missing: install Redis 6.2 or newer, then run make test again" >&2
	exit 1
fi

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
