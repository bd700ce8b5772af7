// Package lines counts lines over many objects: which there are and how often, and which
// are the ones in which objects of a name differ from most.
//
// It promises that what objects have of a base in common is counted once for all of them,
// and that memory is bounded by the different lines, with an error where they are too many.
// It leaves reading to extract and the search in frames to frame.
package lines
