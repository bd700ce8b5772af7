package snapshot

import "time"

// A Report says what became of a push.
type Report struct {
	Host     string
	Objects  int       // in the snapshot, as far as it could be read
	Problems []Problem // sources that could not be read
	Servers  []ServerReport
	Bases    error // why bases could not be kept on disk; the next push reads them from a server again
	Took     time.Duration
}

// Problem is an object of which something could not be done.
type Problem struct {
	Name string // empty: the index
	Err  error
}

// ServerReport is what became of a push at one server.
type ServerReport struct {
	Server   string
	Err      error     // the server failed: what it has is not known to be whole
	Passing  bool      // what kept it from having all of the push passes by itself: it may be tried again soon
	Tries    int       // how often it was tried
	Refused  []Problem // objects that it did not take
	Replaced int       // objects whose contents were sent
	Restated int       // objects of which only the stat changed
	Renewed  int       // unchanged objects
	Deleted  int       // objects that the host no longer has
	Repaired int       // objects that the server had lost
	Foreign  []string  // of them, those in whose place others had written: names, sorted

	// It has turned out that hosts can have no bases there, since they need Redis 7. A server is
	// asked for that once a day at most.
	BeforeRedis7 bool

	Sent     int64 // bytes
	Received int64
	Waits    int64 // times that it was waited for, the greeting of a new connection included
	Took     time.Duration
}
