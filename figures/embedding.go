package figures

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Embedding draws embeddings (rows of equal length) in the plane of their two first
// principal components, coloured by uncertainty. labels, shown under the pointer, may
// be nil. Rows of length 2 are drawn as they are.
func Embedding(rows [][]float64, uncertainty []float64, labels []string) (*Figure, error) {
	const name = "embedding"
	if len(rows) < 3 {
		return nil, fmt.Errorf("figure %s: %d embeddings; want at least three", name, len(rows))
	}
	if len(uncertainty) != len(rows) || labels != nil && len(labels) != len(rows) {
		return nil, fmt.Errorf("figure %s: %d embeddings, %d uncertainties, %d labels; want one of each", name, len(rows), len(uncertainty), len(labels))
	}
	dim := len(rows[0])
	for i, r := range rows {
		if len(r) != dim || dim < 2 {
			return nil, fmt.Errorf("figure %s: embedding %d has %d numbers, the first %d; want the same, two or more", name, i, len(r), dim)
		}
		if slices.ContainsFunc(r, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) || math.IsNaN(uncertainty[i]) {
			return nil, fmt.Errorf("figure %s: embedding or uncertainty %d is not finite", name, i)
		}
	}
	p := &panel{gridX: true, gridY: true}
	x, y, shares := principal(rows)
	if dim == 2 {
		p.x.label, p.y.label = "First dimension", "Second dimension"
	} else {
		p.x.label = fmt.Sprintf("First principal component (%.0f %% of the variance)", 100*shares[0])
		p.y.label = fmt.Sprintf("Second (%.0f %%)", 100*shares[1])
	}
	lo, hi := slices.Min(uncertainty), slices.Max(uncertainty)
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	var sc scatter
	for i := range rows {
		title := fmt.Sprintf("uncertainty %.4g", uncertainty[i])
		if labels != nil {
			title = labels[i] + "\n" + title
		}
		sc = append(sc, mark{x[i], y[i], look{shape: 'o', size: 9, colour: shade((uncertainty[i] - lo) / (hi - lo))}, title})
	}
	p.x.fit(x)
	p.y.fit(y)
	p.right = colourBarRoom
	p.add(sc, colourBar{lo, hi, "Uncertainty"})
	return &Figure{Name: name, w: paperWidth, h: 3.2 * inch, panels: []*panel{p},
		Title: "Embeddings in the plane of their principal components, coloured by uncertainty"}, nil
}

// principal returns the coordinates of rows along their two first principal
// components, and the components' shares of the variance. A component's sign is
// chosen so that its largest coordinate is positive. Two columns stay as they are.
func principal(rows [][]float64) (x, y []float64, shares [2]float64) {
	n, dim := len(rows), len(rows[0])
	x, y = make([]float64, n), make([]float64, n)
	if dim == 2 {
		for i, r := range rows {
			x[i], y[i] = r[0], r[1]
		}
		return x, y, shares
	}
	centre := make([]float64, dim)
	for _, r := range rows {
		for j, v := range r {
			centre[j] += v / float64(n)
		}
	}
	cov := mat.NewSymDense(dim, nil)
	c := mat.NewVecDense(dim, nil)
	total := 0.0
	for _, r := range rows {
		for j, v := range r {
			c.SetVec(j, v-centre[j])
			total += (v - centre[j]) * (v - centre[j])
		}
		cov.SymRankOne(cov, 1, c)
	}
	for k, out := range [][]float64{x, y} {
		axis := firstAxis(cov, dim)
		lambda := mat.Inner(axis, cov, axis)
		for i, r := range rows {
			for j, v := range r {
				out[i] += (v - centre[j]) * axis.AtVec(j)
			}
		}
		if total > 0 {
			shares[k] = lambda / total
		}
		cov.SymRankOne(cov, -lambda, axis)
	}
	return x, y, shares
}

// firstAxis is the eigenvector of a covariance with the largest eigenvalue, by power
// iteration: two of a thousand are wanted, not all.
func firstAxis(cov *mat.SymDense, dim int) *mat.VecDense {
	v, next := mat.NewVecDense(dim, nil), mat.NewVecDense(dim, nil)
	for j := range dim { // no direction is left out
		v.SetVec(j, 1+0.37*math.Sin(float64(j)*1.7))
	}
	v.ScaleVec(1/mat.Norm(v, 2), v)
	for range 500 {
		next.MulVec(cov, v)
		norm := mat.Norm(next, 2)
		if norm == 0 {
			break
		}
		next.ScaleVec(1/norm, next)
		d := math.Abs(mat.Dot(next, v))
		v.CopyVec(next)
		if 1-d < 1e-12 {
			break
		}
	}
	largest := 0
	for j := range dim {
		if math.Abs(v.AtVec(j)) > math.Abs(v.AtVec(largest)) {
			largest = j
		}
	}
	if v.AtVec(largest) < 0 {
		v.ScaleVec(-1, v)
	}
	return v
}
