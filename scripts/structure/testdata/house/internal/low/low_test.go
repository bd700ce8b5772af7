package low

import "testing"

func TestLong(t *testing.T) {
	if long(1) != 4 {
		t.Error(long(1))
	}
	short()
}
