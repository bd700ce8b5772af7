#!/bin/sh
# Installs the programs that the tests run, where it may; else says which command
# would. The servers among them (redis-server, nsd, slapd, snmpd) are for the tests alone to
# start: where the package manager would start them, now or with the machine, it is
# kept from it.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin # where only root looks, but anybody may run

missing= servers=
needs_redis= needs_ripgrep= needs_nsd= needs_slapd= needs_patch= needs_snmp=
for program in redis-server redis-cli rg nsd slapd slapadd patch snmpd snmpwalk; do
	command -v "$program" >/dev/null 2>&1 && continue
	missing="$missing $program"
	case $program in redis-server | nsd | slapd | snmpd) servers="$servers $program" ;; esac
	case $program in
	redis-*) needs_redis=yes ;;
	rg) needs_ripgrep=yes ;;
	nsd) needs_nsd=yes ;;
	slap*) needs_slapd=yes ;;
	patch) needs_patch=yes ;;
	snmp*) needs_snmp=yes ;;
	esac
done
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
	install="apt-get install -y${needs_redis:+ redis-server}${needs_nsd:+ nsd}${needs_slapd:+ slapd}${needs_snmp:+ snmpd snmp}"
elif command -v dnf >/dev/null 2>&1; then
	install="dnf install -y${needs_redis:+ redis}${needs_nsd:+ nsd}${needs_slapd:+ openldap-servers}${needs_snmp:+ net-snmp net-snmp-utils}"
elif command -v apk >/dev/null 2>&1; then
	install="apk add${needs_redis:+ redis}${needs_nsd:+ nsd}${needs_slapd:+ openldap openldap-back-mdb}${needs_snmp:+ net-snmp net-snmp-tools}"
else
	echo "the tests need$missing: install Redis 6.2 or newer, ripgrep, NSD, OpenLDAP's slapd, Net-SNMP and patch, then run make test again" >&2
	exit 1
fi
install="$install${needs_ripgrep:+ ripgrep}${needs_patch:+ patch}"

as=
if [ "$(id -u)" != 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "the tests need$missing; install them with: sudo $install" >&2
		exit 1
	fi
	as=sudo
fi
echo "the tests need$missing: $as $install"
case $install in
apt-get*) ;;
*)
	$as $install
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
$as env DEBIAN_FRONTEND=noninteractive $install
for server in $servers; do
	$as update-rc.d "$server" disable # nor with the machine
done
