package nn

// SetIm2colMaxSide lets the benchmark measure other thresholds; call undo at the end.
func SetIm2colMaxSide(side int) (undo func()) {
	old := im2colMaxSide
	im2colMaxSide = side
	return func() { im2colMaxSide = old }
}
