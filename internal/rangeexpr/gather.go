package rangeexpr

// A gathering is a union under way: names are only gathered, and sorted at its end.
// Uniting a million words one after the other would be quadratic.
type gathering struct {
	*evaluation
	value          // what is united
	more  []string // names that are not yet
}

func (u *gathering) addNode(f *frame, n node) error {
	if w, ok := n.(word); ok && !f.lower {
		u.more = append(u.more, w.text)
		return u.bound(f, w.at)
	}
	v, err := u.eval(f, n)
	if err != nil {
		return err
	}
	return u.add(f, n.begin(), v)
}

func (u *gathering) add(f *frame, at int, v value) error {
	if v.open != nil {
		u.value = u.value.union(value{open: v.open})
	}
	if len(u.more) == 0 && len(u.names) == 0 {
		u.names = v.names
		return nil
	}
	u.more = append(u.more, v.names...)
	if err := u.spend(f, at, len(v.names)); err != nil {
		return err
	}
	return u.bound(f, at)
}

// bound keeps what is gathered in bounds.
func (u *gathering) bound(f *frame, at int) error {
	if len(u.more)+len(u.names) <= 2*u.maxHosts {
		return nil
	}
	_, err := u.finish(f, at)
	return err
}

func (u *gathering) finish(f *frame, at int) (value, error) {
	if len(u.more) > 0 {
		if err := u.spend(f, at, len(u.more)+len(u.names)); err != nil {
			return value{}, err
		}
		u.value = u.value.union(value{names: sortNames(u.more)})
		u.more = nil
	}
	if len(u.names) > u.maxHosts {
		return value{}, f.limit(at, "with this it stands for more than %d hosts: ask for fewer at a time", u.maxHosts)
	}
	return u.value, nil
}
