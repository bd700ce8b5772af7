package verbs

import "testing"

// What redis-server 7.0, Valkey 8.1 and a server that says nothing of itself answer to INFO.
func TestTheVersionIsTheProgramsOwn(t *testing.T) {
	for _, tt := range []struct {
		info map[string]string
		want string
	}{
		{map[string]string{"redis_version": "7.0.15", "redis_mode": "standalone"}, "7.0.15"},
		{map[string]string{"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8.1.1"}, "valkey 8.1.1"},
		{map[string]string{}, "-"},
	} {
		if got := version(tt.info); got != tt.want {
			t.Errorf("of %v the version is %q, want %q", tt.info, got, tt.want)
		}
	}
}
