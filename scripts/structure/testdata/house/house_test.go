package house

import _ "os/exec" // tests may
