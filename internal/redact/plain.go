package redact

// Plain returns a redactor that finds the same and leaves no fingerprint: for texts of which
// somebody chooses a part, who could try there which secret has a fingerprint that they have
// seen.
func (r *Redactor) Plain() *Redactor {
	if r == nil {
		return nil
	}
	plain := *r
	plain.key = nil
	return &plain
}

// Text is Redact for a string.
func (r *Redactor) Text(text string) string { return string(r.Redact([]byte(text))) }
