#!/bin/sh
# Installs the programs that the tests run, where it may; else says which command
# would. Servers among them are for the tests alone to start: no service of what is
# installed here, dependencies included, runs or starts with the machine. What was
# there before stays as it is.
#
# usage: test-deps.sh [contrib] [package]
#
# contrib and package add what make contrib-test and make package-test run.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin # where only root looks, but anybody may run

# For what; the program; the packages that have it in Debian, Fedora and Alpine, or "-".
programs='
test    redis-server     redis-server      redis            redis
test    redis-cli        redis-tools       redis            redis
test    rg               ripgrep           ripgrep          ripgrep
test    nsd              nsd               nsd              nsd
test    slapd            slapd             openldap-servers openldap,openldap-back-mdb
test    slapadd          slapd             openldap-servers openldap,openldap-back-mdb
test    patch            patch             patch            patch
test    cf-agent         cfengine3         cfengine         cfengine
test    sysctl           procps            procps-ng        procps-ng
test    sudo             sudo              sudo             sudo
test    ip               iproute2          iproute          iproute2
test    snmpd            snmpd             net-snmp         net-snmp
test    snmpwalk         snmp              net-snmp-utils   net-snmp-tools
test    cc               build-essential   gcc              build-base
contrib ansible-playbook ansible-core      ansible-core     ansible-core
contrib puppet           puppet-agent      puppet           puppet
package debootstrap      debootstrap       debootstrap      debootstrap
package systemd-nspawn   systemd-container systemd-container -
package systemd-analyze  systemd           systemd          -
package nsenter          util-linux        util-linux       util-linux
package mandoc           mandoc            mandoc           mandoc
package rpm              rpm               rpm              rpm
'

if command -v apt-get >/dev/null 2>&1; then
	install="apt-get install -y --no-install-recommends" column=3
elif command -v dnf >/dev/null 2>&1; then
	install="dnf install -y" column=4
elif command -v apk >/dev/null 2>&1; then
	install="apk add" column=5
else
	install="" column=3
fi

missing= packages=
for program in $(echo "$programs" | awk -v sets="test $*" 'BEGIN { n = split(sets, w); for (i = 1; i <= n; i++) wanted[w[i]] } $1 in wanted { print $2 }'); do
	command -v "$program" >/dev/null 2>&1 && continue
	missing="$missing $program"
	row=$(echo "$programs" | awk -v p="$program" '$2 == p')
	package=$(echo "$row" | awk -v c="$column" '{ gsub(",", " ", $c); print $c }' | tr ',' ' ')
	case " $packages " in *" $package "*) ;; *) packages="$packages $package" ;; esac
done
[ -z "$missing" ] && exit 0
case " $packages " in *" - "*) install="" ;; esac
if [ -z "$install" ]; then
	echo "the tests need$missing, which no package manager that is known here installs" >&2
	exit 1
fi

as=
if [ "$(id -u)" != 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "the tests need$missing; install them with: sudo $install$packages" >&2
		exit 1
	fi
	as=sudo
fi
echo "the tests need$missing: $as $install$packages"
case $install in
apt-get*) ;;
*)
	$as $install $packages
	exit
	;;
esac

# Below DPKG_ROOT, as for the packages' own scripts: the root of the machine, but in a test.
etc=${DPKG_ROOT-}/etc
policy=${DPKG_ROOT-}/usr/sbin/policy-rc.d

installed() { dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' | sed -n 's/^installed //p'; }

# disable_unit keeps a unit of systemd's from starting with the machine, and ends what
# somebody's own policy-rc.d has let start. A template stands for all its instances.
disable_unit() {
	now=
	[ ! -d "${DPKG_ROOT-}/run/systemd/system" ] || now=--now
	$as systemctl disable $now "$1" </dev/null >/dev/null 2>&1 || true # there may be no such command
	instances=$1
	case $1 in *@.*) instances="${1%@.*}@*.${1##*.}" ;; esac
	remove "$etc"/systemd/system/*.wants/$instances "$etc"/systemd/system/*.requires/$instances
}

# disable_script does the same with a script of init.
disable_script() {
	[ -n "$ours" ] || $as "$etc/init.d/$1" stop </dev/null >/dev/null 2>&1 || true
	$as update-rc.d "$1" disable </dev/null >/dev/null 2>&1 || true # there may be no such command
	remove "$etc"/rc?.d/S[0-9][0-9]"$1"
}

remove() {
	for link in "$@"; do
		[ ! -L "$link" ] || $as rm -f "$link"
	done
}

finish() {
	[ -z "$ours" ] || $as rm -f "$policy"
	for package in $(installed | grep -Fxv "$before"); do
		dpkg -L "$package" | while read -r path; do
			name=${path##*/}
			case $path in
			/lib/systemd/system/*/* | /usr/lib/systemd/system/*/*) ;; # an addition to a unit
			*/lib/systemd/system/*.service | */lib/systemd/system/*.socket | */lib/systemd/system/*.timer | */lib/systemd/system/*.path) disable_unit "$name" ;;
			/etc/init.d/*) disable_script "$name" ;;
			esac
		done
	done
}

before=$(installed) ours=
trap finish EXIT
trap 'exit 1' HUP INT TERM
# Debian's packages start their servers, unless this file says no (101). One that is
# there already is the administrator's, and stays.
if [ ! -e "$policy" ]; then
	ours=yes
	printf '#!/bin/sh\nexit 101\n' | $as tee "$policy" >/dev/null
	$as chmod 755 "$policy"
fi
$as apt-get update -q
$as env DEBIAN_FRONTEND=noninteractive $install $packages
