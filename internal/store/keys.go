package store

// The keyspace of one server. docs/format/keyspace.md describes it for people.
// Keys that begin with '$' are the index and our own records; every other key
// "<host>#<name>" is an object.
const (
	keyHosts   = "$hosts"       // ZSET: host → PushScore of its last push
	keyLive    = "$live"        // ZSET: host → unix time at which its snapshot expires
	keyNames   = "$names"       // SET: names
	keySize    = "$size"        // STRING: how many hosts the core has, as older agents' last push saw it
	keyRoster  = "$roster"      // SET: the hosts that gc has verified; only an administrator writes it
	keyGC      = "$gc"          // STRING: unix time at which gc was last through
	keyQueries = "$queries"     // STREAM: one entry a query
	keyChosen  = "$base:chosen" // STRING: the version of the bases that gc has chosen, and when it was there
	channel    = "sysops-api"
)

// keyOn holds the hosts that have an object of this name (SET).
func keyOn(name string) string { return "$on:" + name }

// ListOf is the key of the list of hosts that have an object of this name.
func ListOf(name string) string { return keyOn(name) }

// keyOf holds a host's records (HASH): name → Record, and the reserved fields.
func keyOf(host string) string { return "$of:" + host }

// keyBase holds a base as a frame that stands by itself (STRING).
func keyBase(id ID) string { return "$base:" + id.String() }

// keyBases holds the bases that are offered for a name (ZSET): id → unix time of
// its claim or, negative, of the last use of one that gc has chosen.
func keyBases(name string) string { return "$bases:" + name }

func keyObject(host, name string) string { return host + keySeparator + name }

// keySeparator parts host and name: no host name holds it.
const keySeparator = "#"

// Reserved fields of keyOf; names never begin with '$'.
const (
	fieldMachine = "$machine" // the id of the machine that pushes
	fieldTTL     = "$ttl"     // its TTL in seconds
	fieldPush    = "$push"    // the score of its last whole push; see PushScore
	fieldExpires = "$expires" // unix time at which its snapshot expires
	fieldSerial  = "$serial"  // which of its pushes, or leaves, that was; see Serial
	fieldLeft    = "$left"    // the score at which it left; its next push removes it
)

// The elements of an object, in the order of its LIST.
const (
	Contents = iota
	MD5Sum
	Stat
	WordCount
	Time
)
