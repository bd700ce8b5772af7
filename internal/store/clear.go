package store

// A refusal is why a server must not be reached without TLS. It is an ErrNeedsTLS.
type refusal string

func (r refusal) Error() string        { return string(r) }
func (r refusal) Is(target error) bool { return target == ErrNeedsTLS }

// refusal returns why the server must not be reached as its URL says, nil where it may.
//
// A socket that the administrator named counts as TLS does, and cannot have it. What a
// directory service gave counts as any other server, even on this machine: whoever could
// forge the service's answer and has an account here would listen there.
func (o *Options) refusal(a Address) error {
	switch {
	case a.TLS(), o.acceptsClear():
	case a.scheme == schemeUnix && !o.Given:
	case o.Given && o.sends(a):
		return refusal("the directory gave its URL, and the password would travel in the clear")
	case o.RequireTLS != nil:
		return refusal("require_tls is true")
	case o.WasTLS:
		return refusal("it was listed as rediss:// before")
	case o.TLS != nil:
		return refusal("a certificate authority or a client certificate is set, which means that TLS is required")
	}
	return nil
}

// sends reports whether who reaches a sends a password on the way.
func (o *Options) sends(a Address) bool {
	return o.Password != "" || a.sentinel() && o.SentinelPassword != ""
}

// acceptsClear says that it has been decided that all may travel in the clear.
func (o *Options) acceptsClear() bool { return o.RequireTLS != nil && !*o.RequireTLS }

// Exposed reports whether a password is sent to the server which others can read on its way.
func (s *Server) Exposed() bool {
	return s.options.sends(s.address) && !s.Secure() && !s.Local() && s.refused == nil
}

// CheckAdmin returns why the password of an administrator must not be sent to the server,
// nil where it may: with it, whoever reads it on its way could change every host's objects.
func (s *Server) CheckAdmin() error {
	if s.options.Password == "" || !s.Exposed() || s.options.acceptsClear() {
		return nil
	}
	return s.wrap(refusal("the password of an administrator would travel in the clear"))
}
