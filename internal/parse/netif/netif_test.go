package netif

import (
	"net/netip"
	"slices"
	"testing"
)

func TestParseAddresses(t *testing.T) {
	got := ParseAddresses([]byte("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    link/loopback 00:00\n    inet 127.0.0.1/8 scope host lo\n    inet6 ::1/128 scope host\n" +
		"2: eth0: <BROADCAST,UP> mtu 1500\n    inet 10.1.2.3/24 brd 10.1.2.255 scope global eth0\n    inet6 fe80::1/64 scope link\n3: tun0: <POINTOPOINT,UP> mtu 1500\n    inet 10.8.0.2 peer 10.8.0.1/32\n    inet bad\n"))
	want := []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24"), netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("10.8.0.2/32")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
