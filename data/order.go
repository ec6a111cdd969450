package data

// OriginalOrder returns the sample numbers of the batches that the original's
// iterable sets (repr/..., soft/...) yield with several worker processes. Each
// worker holds a block of ceil(n/workers) samples and batches it by itself, and
// the batches are taken from the workers in turn, so that the order of the stream
// is not that of the set.
//
// A worker cuts its block out of the list it holds, for good: on a second pass
// over the same loader (pass 1) it cuts its share out of its share, and with more
// than one worker samples are lost. Original semantics only; a Loader without
// OriginalWorkers reads every sample in order.
func OriginalOrder(n, workers, batchSize, pass int) [][]int {
	type block struct{ from, to int }
	blocks := make([]block, workers)
	for w := range blocks {
		b := block{0, n}
		for range pass + 1 {
			length := b.to - b.from
			share := (length + workers - 1) / workers
			from := min(w*share, length)
			to := min(from+share, length)
			b = block{b.from + from, b.from + to}
		}
		blocks[w] = b
	}
	var batches [][]int
	for {
		any := false
		for w := range blocks {
			b := &blocks[w]
			if b.from == b.to {
				continue
			}
			any = true
			var batch []int
			for ; b.from < b.to && len(batch) < batchSize; b.from++ {
				batch = append(batch, b.from)
			}
			batches = append(batches, batch)
		}
		if !any {
			return batches
		}
	}
}
