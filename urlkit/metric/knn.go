package metric

import "urlbench/urlkit/retrieve"

// KNN returns, for each k, the share of rows whose label wins the vote of their k
// nearest other rows by cosine similarity (Cover and Hart, Nearest Neighbor Pattern
// Classification, 1967, each row left out in turn). Each neighbour has one vote; of
// classes with equal votes the one with the nearest neighbour wins, so that k = 1
// is R@1. embeddings is [rows, dim] row after row.
func KNN[L Integer](embeddings []float32, dim int, labels []L, ks ...int) ([]float64, error) {
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
	return vote(hits, labels, ks), nil
}

// vote returns the share of rows whose label wins among their first k hits.
func vote[L Integer](hits *retrieve.Hits, labels []L, ks []int) []float64 {
	out := make([]float64, len(ks))
	votes := map[L]int{}
	for i, label := range labels {
		ids, _ := hits.Row(i)
		for at, k := range ks {
			clear(votes)
			for _, id := range ids[:k] {
				votes[labels[id]]++
			}
			winner := labels[ids[0]]
			for _, id := range ids[:k] {
				if votes[labels[id]] > votes[winner] {
					winner = labels[id]
				}
			}
			if winner == label {
				out[at]++
			}
		}
	}
	for at := range out {
		out[at] /= float64(len(labels))
	}
	return out
}

// largest checks numbers of neighbours and returns the largest.
func largest(ks []int, others int) (int, error) {
	if len(ks) == 0 {
		return 0, inputError("k", -1, "none given")
	}
	most := 0
	for _, k := range ks {
		if k < 1 || k > others {
			return 0, inputError("k", -1, "%d of %d other rows", k, others)
		}
		most = max(most, k)
	}
	return most, nil
}
