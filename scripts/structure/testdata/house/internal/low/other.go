//go:build plan9

package low

import _ "example.com/house/internal/high"

// Hidden is of another system.
const Hidden = 1
