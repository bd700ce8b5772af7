package house

// A Roof is another type.
type Roof []cellar
