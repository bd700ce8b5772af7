#!/bin/sh
# Installs the programs that make package-test runs beside those of the other tests,
# where it may; else says which command would. They are Debian's: the .deb is tested
# on a Debian machine.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin # where only root looks

packages=
for pair in debootstrap:debootstrap systemd-nspawn:systemd-container systemd-analyze:systemd nsenter:util-linux mandoc:mandoc rpm:rpm; do
	command -v "${pair%:*}" >/dev/null 2>&1 || packages="$packages ${pair#*:}"
done
[ -z "$packages" ] && exit 0

install="apt-get install -y --no-install-recommends$packages"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "make package-test needs$packages; install them with: sudo $install" >&2
	exit 1
fi
echo "make package-test needs$packages: $install"
apt-get update -q
DEBIAN_FRONTEND=noninteractive $install
