package lines

// LimitLines lowers how many lines, and how many bytes of them, one question may hold.
// undo puts the limits back.
func LimitLines(lines, text int64) (undo func()) {
	oldLines, oldText := mostLines, mostLineText
	mostLines, mostLineText = lines, text
	return func() { mostLines, mostLineText = oldLines, oldText }
}
