package data

import (
	"context"
	"sync"
	"sync/atomic"

	"urlbench/data/pixel"
	"urlbench/data/transform"
)

// slot is a batch's memory on its way: empty, being filled by workers, in use.
type slot struct {
	batch   Batch
	pending atomic.Int32
	done    chan struct{} // receives once when the last image is in place
}

// task is one image to put in its place.
type task struct {
	slot  *slot
	row   int
	index int
}

// pass is one run over an epoch's batches. Its memory is Prefetch+1 batches and
// one image per worker: a batch begins when a slot is free.
type pass struct {
	l      *Loader
	epoch  int
	cancel context.CancelFunc
	ctx    context.Context
	free   chan *slot // slots nobody uses
	queue  chan *slot // slots in the order of the batches
	tasks  chan task
	wg     sync.WaitGroup
	slots  []*slot
	failed chan error // too many bad files
}

func (l *Loader) start(ctx context.Context, epoch int, order [][]int) *pass {
	n := l.o.Prefetch + 1
	p := &pass{l: l, epoch: epoch, free: make(chan *slot, n), queue: make(chan *slot, n),
		tasks: make(chan task, l.o.Workers), failed: make(chan error, 1)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	l.mu.Lock()
	l.bad = map[int]error{}
	p.slots, l.spare = l.spare, nil
	l.mu.Unlock()
	for len(p.slots) < n {
		p.slots = append(p.slots, &slot{done: make(chan struct{}, 1)})
	}
	for _, s := range p.slots {
		p.free <- s
	}
	p.wg.Go(func() { p.dispatch(order) })
	for range l.o.Workers {
		p.wg.Go(p.work)
	}
	return p
}

// stop ends the goroutines and waits for them: after it, nobody writes to a slot.
func (p *pass) stop() {
	p.cancel()
	p.wg.Wait()
	for _, s := range p.slots {
		select {
		case <-s.done:
		default:
		}
	}
	p.l.mu.Lock()
	p.l.spare = p.slots
	p.l.mu.Unlock()
}

func (p *pass) dispatch(order [][]int) {
	defer close(p.tasks)
	for _, indices := range order {
		var s *slot
		select {
		case s = <-p.free:
		case <-p.ctx.Done():
			return
		}
		p.l.prepare(s, indices)
		p.queue <- s // has room for every slot
		for row, index := range indices {
			select {
			case p.tasks <- task{s, row, index}:
			case <-p.ctx.Done():
				return
			}
		}
	}
}

// prepare sizes a slot for a batch and writes its labels.
func (l *Loader) prepare(s *slot, indices []int) {
	views, size := l.o.Views, l.o.Size
	n := views * len(indices)
	b := &s.batch
	b.N, b.H, b.W = n, size, size
	b.Pixels = resized(b.Pixels, n*size*size*3)
	b.Labels = resized(b.Labels, n)
	b.Index = resized(b.Index, n)
	if l.classes > 0 {
		b.Soft = resized(b.Soft, n*l.classes)
	}
	s.pending.Store(int32(len(indices)))
}

func resized[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

func (p *pass) work() {
	var buf []byte
	for t := range p.tasks {
		if p.ctx.Err() != nil {
			return
		}
		buf = p.fill(t, buf)
		if t.slot.pending.Add(-1) == 0 {
			t.slot.done <- struct{}{}
		}
	}
}

// fill puts a sample in its row, or notes that it is bad; training then takes the
// next sample that is readable. buf is the worker's memory for encoded files.
func (p *pass) fill(t task, buf []byte) []byte {
	l := p.l
	tries := 1
	if l.o.Training {
		tries = min(50, l.set.Len())
	}
	size := 3 * l.o.Size * l.o.Size * l.o.Views
	dst := t.slot.batch.Pixels[t.row*size : (t.row+1)*size]
	index := t.index
	for range tries {
		var err error
		if buf, err = p.pixels(dst, index, t.index, buf); err == nil {
			t.slot.label(l, t.row, index)
			return buf
		}
		if stop := p.note(index, err); stop {
			return buf
		}
		index = (index + 1) % l.set.Len()
	}
	clear(dst)
	t.slot.label(l, t.row, t.index)
	if l.o.Training {
		p.fail()
	}
	return buf
}

// label writes the labels of a sample to its row, once per view.
func (s *slot) label(l *Loader, row, index int) {
	label := int32(l.set.Label(index))
	var soft []float64
	if l.classes > 0 {
		soft = l.set.Soft(index)
	}
	for v := row * l.o.Views; v < (row+1)*l.o.Views; v++ {
		s.batch.Labels[v] = label
		s.batch.Index[v] = index
		copy(s.batch.Soft[v*l.classes:], soft)
	}
}

// encodedImages is a set whose images are files: the loader then reads them into
// its own memory and decodes only what the transform needs.
type encodedImages interface {
	open(i int, buf []byte) (*pixel.Image, []byte, error)
}

// pixels writes the transformed sample to dst. The random numbers are those of
// the place in the epoch, whatever sample fills it.
func (p *pass) pixels(dst []uint8, index, place int, buf []byte) ([]byte, error) {
	l := p.l
	if l.o.Cache != nil && l.o.Cache.get(index, dst) {
		return buf, nil
	}
	var img *pixel.Image
	var err error
	if files, ok := l.set.(encodedImages); ok {
		img, buf, err = files.open(index, buf)
	} else {
		img, err = l.set.Image(index)
	}
	if err != nil {
		return buf, err
	}
	defer img.Release()
	if err := l.o.Transform(transform.RNG(l.o.Seed, p.epoch, place), img, dst); err != nil {
		return buf, err
	}
	if l.o.Cache != nil {
		l.o.Cache.put(index, dst)
	}
	return buf, nil
}

// note keeps a bad file; it reports whether the pass has to end for it.
func (p *pass) note(index int, err error) (stop bool) {
	l := p.l
	l.mu.Lock()
	l.bad[index] = err
	n := len(l.bad)
	l.mu.Unlock()
	if l.o.Training && n > l.maxBad() {
		p.fail()
		return true
	}
	return false
}

// fail ends a training pass.
func (p *pass) fail() {
	err := &BadFilesError{Set: p.l.set.Name(), Len: p.l.set.Len(), Files: p.l.Bad(), Training: true, Limit: p.l.maxBad()}
	select {
	case p.failed <- err:
	default: // another worker has said so
	}
}

func (p *pass) badCount() int {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	return len(p.l.bad)
}

// next waits for the next batch in order.
func (p *pass) next(ctx context.Context) (*slot, error) {
	var s *slot
	for {
		// With s set, wait for its images; a nil channel is never ready.
		var queue chan *slot
		var done chan struct{}
		if s == nil {
			queue = p.queue
		} else {
			done = s.done
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case err := <-p.failed:
			return nil, err
		case s = <-queue:
		case <-done:
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			return s, nil
		}
	}
}

// finish ends a whole pass: the cache is complete, bad files are reported.
func (p *pass) finish() error {
	l := p.l
	select {
	case err := <-p.failed:
		return err
	default:
	}
	if bad := l.Bad(); len(bad) > 0 && !l.o.Training {
		return &BadFilesError{Set: l.set.Name(), Len: l.set.Len(), Files: bad}
	}
	if l.o.Cache != nil {
		l.o.Cache.commit()
	}
	return nil
}
