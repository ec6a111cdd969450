package data

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"urlbench/data/transform"
)

// DefaultMaxBad is the share of a training set's files that may be unreadable.
const DefaultMaxBad = 0.001

// LoaderOptions say how a data set becomes batches. Only BatchSize, Size and
// Transform are required.
type LoaderOptions struct {
	BatchSize int // images per batch
	Size      int // the side of what Transform writes, in pixels
	Views     int // squares that Transform writes per image; 0 means 1
	Transform transform.Transform

	Shuffle  bool   // a new order every epoch, from Seed and the epoch
	DropLast bool   // leave out a last batch that is not full
	Seed     uint64 // of the order and of the transform's random numbers

	// Training replaces an unreadable image by the next readable one, up to MaxBad;
	// otherwise an unreadable image ends the pass with a *BadFilesError that lists
	// all of them.
	Training bool
	MaxBad   float64 // share of the set; 0 means DefaultMaxBad, negative means none

	Workers  int // goroutines that decode; 0 means GOMAXPROCS
	Prefetch int // batches decoded ahead of the one in use; 0 means 2

	// OriginalWorkers, if above 0, gives the batches the order and the composition
	// that the original's iterable sets have with this many worker processes; the
	// epoch is then the pass over the same loader. See OriginalOrder.
	OriginalWorkers int

	// Cache keeps the transformed pixels on disk; only for transforms without
	// randomness.
	Cache *Cache
}

// Batch is what a step is fed. It is valid until the next turn of the loop over
// Loader.Epoch, which writes other images into the same memory.
type Batch struct {
	Pixels  []uint8   // [N, H, W, 3]
	N, H, W int       // N counts views: with two views, images a, b are a0 a1 b0 b1
	Labels  []int32   // [N]
	Soft    []float64 // [N, classes] votes, nil if the set has one label per image
	Index   []int     // [N] sample numbers in the data set
}

// Loader makes batches of a data set. Its batches depend on the options alone, not
// on the number of workers.
type Loader struct {
	set     Dataset
	o       LoaderOptions
	classes int

	mu    sync.Mutex
	spare []*slot
	bad   map[int]error
}

// NewLoader returns a loader. It reads nothing yet.
func NewLoader(set Dataset, o LoaderOptions) (*Loader, error) {
	switch {
	case o.BatchSize < 1:
		return nil, fmt.Errorf("data: batch size %d, want at least 1", o.BatchSize)
	case o.Size < 1:
		return nil, fmt.Errorf("data: image size %d, want at least 1", o.Size)
	case o.Transform == nil:
		return nil, fmt.Errorf("data: no transform: transform.Eval or transform.Train makes one")
	case o.Cache != nil && (o.Shuffle || o.Training):
		return nil, fmt.Errorf("data: a cache holds evaluation images: leave it out for training")
	case o.OriginalWorkers > 0 && o.Shuffle:
		return nil, fmt.Errorf("data: the original's worker order is not shuffled: choose OriginalWorkers or Shuffle")
	}
	o.Views = max(o.Views, 1)
	if want := 3 * o.Size * o.Size * o.Views; o.Cache != nil && (o.Cache.size != want || o.Cache.n != set.Len()) {
		return nil, fmt.Errorf("data: a cache of %d samples of %d bytes, want %d of %d", o.Cache.n, o.Cache.size, set.Len(), want)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Prefetch <= 0 {
		o.Prefetch = 2
	}
	if o.MaxBad == 0 {
		o.MaxBad = DefaultMaxBad
	}
	l := &Loader{set: set, o: o}
	if set.Len() > 0 {
		l.classes = len(set.Soft(0))
	}
	return l, nil
}

// Dataset returns the set that is loaded.
func (l *Loader) Dataset() Dataset { return l.set }

// Batches is the number of batches of an epoch.
func (l *Loader) Batches() int {
	n, b := l.set.Len(), l.o.BatchSize
	if l.o.OriginalWorkers > 0 {
		return len(OriginalOrder(n, l.o.OriginalWorkers, b, 0))
	}
	if l.o.DropLast {
		return n / b
	}
	return (n + b - 1) / b
}

// Order returns the sample numbers of each batch of an epoch.
func (l *Loader) Order(epoch int) [][]int {
	n, b := l.set.Len(), l.o.BatchSize
	var batches [][]int
	if l.o.OriginalWorkers > 0 {
		batches = OriginalOrder(n, l.o.OriginalWorkers, b, epoch)
	} else {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		if l.o.Shuffle {
			rng := rand.New(rand.NewPCG(l.o.Seed, uint64(epoch)))
			rng.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for from := 0; from < n; from += b {
			batches = append(batches, order[from:min(from+b, n)])
		}
	}
	if l.o.DropLast {
		full := batches[:0]
		for _, batch := range batches {
			if len(batch) == b {
				full = append(full, batch)
			}
		}
		batches = full
	}
	return batches
}

// Epoch yields the batches of an epoch, one loop at a time. The loop may be left
// at any time; the goroutines have then ended. An error, the last thing yielded, comes with a nil
// batch: the context's, or a *BadFilesError.
func (l *Loader) Epoch(ctx context.Context, epoch int) iter.Seq2[*Batch, error] {
	return l.From(ctx, epoch, 0)
}

// From yields the batches of an epoch from the given one on: what Epoch yields
// after first batches.
func (l *Loader) From(ctx context.Context, epoch, first int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		order := l.Order(epoch)
		if first > len(order) {
			yield(nil, fmt.Errorf("data: epoch %d has %d batches, cannot resume at batch %d", epoch, len(order), first))
			return
		}
		p := l.start(ctx, epoch, order[first:])
		defer p.stop()
		for range order[first:] {
			s, err := p.next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			// Evaluation reads on after a bad file, to find the others, but shows no
			// more batches.
			if l.o.Training || p.badCount() == 0 {
				if !yield(&s.batch, nil) {
					return
				}
			}
			p.free <- s
		}
		if err := p.finish(); err != nil {
			yield(nil, err)
		}
	}
}

// Bad lists the unreadable files that the latest epoch has met so far, by number.
func (l *Loader) Bad() []BadFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return badFiles(l.set, l.bad)
}

// maxBad is the largest number of bad files that a training epoch survives.
func (l *Loader) maxBad() int {
	return int(math.Floor(max(l.o.MaxBad, 0)*float64(l.set.Len()) + 1e-9))
}
