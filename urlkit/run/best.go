package run

// Best follows which epoch was the best so far.
type Best struct {
	Decreasing bool // smaller is better: --eval-metric=loss
	Any        bool // an epoch has been seen
	Value      float64
}

// Improved takes an epoch's value and reports whether it is the best so far: the
// first always is, later ones if they are strictly better. A first NaN therefore
// stays, as in the original.
func (b *Best) Improved(value float64) bool {
	better := value > b.Value
	if b.Decreasing {
		better = value < b.Value
	}
	if b.Any && !better {
		return false
	}
	b.Any, b.Value = true, value
	return true
}
