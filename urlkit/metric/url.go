package metric

import (
	"fmt"
	"math"

	"urlbench/urlkit/retrieve"
)

// Report is the benchmark's answer for one data set.
type Report struct {
	// R1 is the share of rows whose nearest other row has their label.
	R1 float64
	// RAUROC is the probability that a right row is less uncertain than a wrong
	// one. It is NaN where all rows are right or all are wrong; Note says so.
	RAUROC float64
	Note   string
	// Correct says of each row whether its neighbour has its label, Neighbour
	// which row that is.
	Correct   []bool
	Neighbour []int32
}

// URL computes the two numbers of the URL benchmark from embeddings (one row per
// image, any length but zero dimensions), their uncertainties (larger is less
// sure; only the order matters) and their class labels.
//
// The neighbour is found by an exact cosine search that leaves out the row itself;
// ties go to the lower index. Lengths that differ, fewer than two rows, and NaN or
// infinite embeddings or NaN uncertainties are errors that name the row.
func URL[E, U Float, L Integer](embeddings [][]E, uncertainties []U, labels []L) (*Report, error) {
	flat, dim, err := flatten(embeddings)
	if err != nil {
		return nil, err
	}
	if err := checkRows(flat, dim, len(labels)); err != nil {
		return nil, err
	}
	if err := sameLength("uncertainties", len(uncertainties), "embeddings", len(embeddings)); err != nil {
		return nil, err
	}
	if err := noNaN("uncertainties", uncertainties); err != nil {
		return nil, err
	}
	r := &Report{}
	if r.Neighbour, err = neighbours(flat, dim, Options{}); err != nil {
		return nil, err
	}
	r.Correct = matches(r.Neighbour, labels)
	r.R1 = share(r.Correct)
	r.RAUROC, err = RAUROC(uncertainties, r.Correct)
	r.Note, err = reason(err)
	return r, err
}

// RecallAtK returns, for each k, the share of rows with their own label among
// their k nearest other rows. embeddings is [rows, dim] row after row.
func RecallAtK[L Integer](embeddings []float32, dim int, labels []L, ks ...int) ([]float64, error) {
	if err := checkRows(embeddings, dim, len(labels)); err != nil {
		return nil, err
	}
	most, err := largest(ks, len(labels)-1)
	if err != nil {
		return nil, err
	}
	hits, err := retrieve.Cosine(embeddings, dim, most, retrieve.Options{})
	if err != nil {
		return nil, err
	}
	first := make([]int, len(labels)) // the place of the first right hit
	for i := range first {
		ids, _ := hits.Row(i)
		for first[i] < most && labels[ids[first[i]]] != labels[i] {
			first[i]++
		}
	}
	out := make([]float64, len(ks))
	for at, k := range ks {
		n := 0
		for _, f := range first {
			if f < k {
				n++
			}
		}
		out[at] = float64(n) / float64(len(first))
	}
	return out, nil
}

// neighbours returns the nearest other row of each row, or the original's second
// hit of a search that includes the row.
func neighbours(embeddings []float32, dim int, o Options) ([]int32, error) {
	if o.SecondHit {
		return retrieve.SecondHit(embeddings, dim, retrieve.Options{})
	}
	hits, err := search(embeddings, dim, 1, o)
	if err != nil {
		return nil, err
	}
	return hits.Index, nil
}

// search returns the k nearest other rows of each row.
func search(embeddings []float32, dim, k int, o Options) (*retrieve.Hits, error) {
	if o.Search == nil {
		return retrieve.Cosine(embeddings, dim, k, retrieve.Options{})
	}
	hits, err := o.Search(embeddings, dim, k)
	if err != nil {
		return nil, err
	}
	if rows := len(embeddings) / dim; hits.K != k || len(hits.Index) != rows*k {
		return nil, fmt.Errorf("metric: the search found %d neighbours, %d per row, want %d for each of %d rows", len(hits.Index), hits.K, k, rows)
	}
	return hits, nil
}

func matches[L Integer](neighbour []int32, labels []L) []bool {
	out := make([]bool, len(neighbour))
	for i, j := range neighbour {
		out[i] = labels[i] == labels[j]
	}
	return out
}

func flatten[E Float](rows [][]E) ([]float32, int, error) {
	if len(rows) == 0 {
		return nil, 0, inputError("embeddings", -1, "empty")
	}
	dim := len(rows[0])
	flat := make([]float32, 0, len(rows)*dim)
	for i, row := range rows {
		if len(row) != dim {
			return nil, 0, inputError("embeddings", i, "%d values, but row 0 has %d", len(row), dim)
		}
		for d, v := range row {
			f := float32(v)
			if math.IsInf(float64(f), 0) && !math.IsInf(float64(v), 0) {
				return nil, 0, inputError("embeddings", i, "%v at column %d is beyond float32", v, d)
			}
			flat = append(flat, f)
		}
	}
	return flat, dim, nil
}

// checkRows checks embeddings against the number of labels.
func checkRows(embeddings []float32, dim, rows int) error {
	switch {
	case len(embeddings) == 0:
		return inputError("embeddings", -1, "empty")
	case dim < 1:
		return inputError("embeddings", -1, "dimension %d, want at least 1", dim)
	case len(embeddings)%dim != 0:
		return inputError("embeddings", -1, "%d values are no whole number of rows of %d", len(embeddings), dim)
	}
	n := len(embeddings) / dim
	if err := sameLength("labels", rows, "embeddings", n); err != nil {
		return err
	}
	if n < 2 {
		return inputError("embeddings", -1, "1 row, want at least 2: a row can't be its own neighbour")
	}
	empty := 0
	for i := range n {
		zero := true
		for d, v := range embeddings[i*dim : (i+1)*dim] {
			if v-v != 0 {
				return inputError("embeddings", i, "%v at column %d, want finite numbers", v, d)
			}
			zero = zero && v == 0
		}
		if zero {
			empty++
		}
	}
	if 10*empty > 9*n {
		return inputError("embeddings", -1, "%d of %d rows are all zeros, more than 90 %%: were they written?", empty, n)
	}
	return nil
}
