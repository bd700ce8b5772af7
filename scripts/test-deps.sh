#!/bin/sh
# Installs the programs that the tests run, where it may; else says which command
# would. Servers among them are for the tests alone to start: where the package manager
# would start them, now or with the machine, it is kept from it.
#
# usage: test-deps.sh [contrib] [package]
#
# contrib and package add what make contrib-test and make package-test run.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin # where only root looks, but anybody may run

# For what; the program; the packages that have it in Debian, Fedora and Alpine, or "-";
# the service to be kept from starting.
programs='
test    redis-server     redis-server      redis            redis                       redis-server
test    redis-cli        redis-tools       redis            redis                       -
test    rg               ripgrep           ripgrep          ripgrep                     -
test    nsd              nsd               nsd              nsd                         nsd
test    slapd            slapd             openldap-servers openldap,openldap-back-mdb  slapd
test    slapadd          slapd             openldap-servers openldap,openldap-back-mdb  -
test    patch            patch             patch            patch                       -
test    cf-agent         cfengine3         cfengine         cfengine                    cfengine3
test    sysctl           procps            procps-ng        procps-ng                   -
test    sudo             sudo              sudo             sudo                        -
test    ip               iproute2          iproute          iproute2                    -
test    snmpd            snmpd             net-snmp         net-snmp                    snmpd
test    snmpwalk         snmp              net-snmp-utils   net-snmp-tools              -
contrib ansible-playbook ansible-core      ansible-core     ansible-core                -
contrib puppet           puppet-agent      puppet           puppet                      puppet
package debootstrap      debootstrap       debootstrap      debootstrap                 -
package systemd-nspawn   systemd-container systemd-container -                          -
package systemd-analyze  systemd           systemd          -                           -
package nsenter          util-linux        util-linux       util-linux                  -
package mandoc           mandoc            mandoc           mandoc                      -
package rpm              rpm               rpm              rpm                         -
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

missing= packages= services=
for program in $(echo "$programs" | awk -v sets="test $*" 'BEGIN { n = split(sets, w); for (i = 1; i <= n; i++) wanted[w[i]] } $1 in wanted { print $2 }'); do
	command -v "$program" >/dev/null 2>&1 && continue
	missing="$missing $program"
	row=$(echo "$programs" | awk -v p="$program" '$2 == p')
	package=$(echo "$row" | awk -v c="$column" '{ gsub(",", " ", $c); print $c }' | tr ',' ' ')
	service=$(echo "$row" | awk '{ print $NF }')
	case " $packages " in *" $package "*) ;; *) packages="$packages $package" ;; esac
	[ "$service" = - ] || services="$services $service"
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

# Debian's packages start their servers, unless this file says no (101). One that is
# there already is the administrator's, and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap '$as rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' | $as tee "$policy" >/dev/null
	$as chmod 755 "$policy"
fi
$as apt-get update -q
$as env DEBIAN_FRONTEND=noninteractive $install $packages
for service in $services; do
	$as update-rc.d "$service" disable 2>/dev/null || $as systemctl disable "$service" 2>/dev/null || true # nor with the machine
done
