package evaluate

import (
	"context"
	"errors"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/data"
	"urlbench/data/transform"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/retrieve"
)

// Options are the choices of an evaluation; zero fields mean the original's.
type Options struct {
	Batch            int     // images per step; 128
	Workers          int     // goroutines that prepare images; 0 is one per CPU
	CropMin, CropMax float64 // range of the crop fractions; 0.1 and 0.75
	CropFile         string  // the original's fractions, see data.Crops; "" draws them from Seed
	Seed             uint64
	CacheDir         string // keeps the transformed pixels, see data.Cache; "" for none
	CacheBytes       int64  // bound of CacheDir; 0 is data's default
	// OriginalWorkers, if above 0, visits the images in the order of the original's
	// loader with that many workers, which decides which image gets which crop.
	OriginalWorkers int
	// Extended adds metric.Extended to the columns.
	Extended bool
	// Progress is told how many of a set's images are done; it may be nil.
	Progress func(set string, done, of int)
	// Answered is shown the answers for each set; it may be nil.
	Answered func(*Answers) error
}

// Evaluator runs a model over data sets. Its graph is compiled once.
type Evaluator struct {
	model   *Model
	options Options
	exec    *model.Exec
	caches  map[data.Dataset]*data.Cache // nil where a set does not fit
	// upstream are the uncertainties of the last upstream set, for ood_auroc.
	upstream []float32
}

// New makes an evaluator of a model; Close frees its graph.
func New(m *Model, o Options) (*Evaluator, error) {
	if o.Batch == 0 {
		o.Batch = 128
	}
	if o.CropMin == 0 {
		o.CropMin = 0.1
	}
	if o.CropMax == 0 {
		o.CropMax = 0.75
	}
	exec, err := model.NewExec(m.Device.Backend, m.Store, func(scope *model.Scope, pixels, sides *Node) []*Node {
		x := m.Normalize(pixels)
		out := m.Forward(m.Context(scope, false), x)
		cropped := m.Forward(m.Context(scope, false), Cropped(x, sides))
		return []*Node{out.Embedding, out.Uncertainty, out.Logits, cropped.Uncertainty}
	})
	if err != nil {
		return nil, err
	}
	return &Evaluator{model: m, options: o, exec: exec, caches: map[data.Dataset]*data.Cache{}}, nil
}

// Close frees the compiled graph and ends the caches.
func (e *Evaluator) Close() error {
	e.exec.Finalize()
	var errs []error
	for _, c := range e.caches {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	clear(e.caches)
	return errors.Join(errs...)
}

// cache returns the set's cache, nil if none was asked for or the set is larger
// than the cache may be.
func (e *Evaluator) cache(set data.Dataset) (*data.Cache, error) {
	if e.options.CacheDir == "" {
		return nil, nil
	}
	if c, ok := e.caches[set]; ok {
		return c, nil
	}
	size := e.model.Input.Size
	c, err := data.OpenCache(set, data.CacheOptions{
		Dir: e.options.CacheDir, MaxBytes: e.options.CacheBytes, Size: 3 * size * size,
		Key: fmt.Sprintf("eval %+v", e.model.Input.Eval()),
	})
	if err != nil && !errors.Is(err, data.ErrCacheFull) {
		return nil, err
	}
	if err != nil {
		c = nil
	}
	e.caches[set] = c
	return c, nil
}

// Answers is what a model says of a data set of n images, and the truth beside it.
type Answers struct {
	Set     data.Dataset
	Samples metric.Samples

	search func(embeddings []float32, dim, k int) (*retrieve.Hits, error) // nil is on slices
}

// Answers embeds every image and its crop. A model that draws random numbers
// (dropout, HET-XL) draws the same for the same set each time, and the training's
// stream of random numbers goes on as if nothing had happened.
func (e *Evaluator) Answers(ctx context.Context, set data.Dataset) (a *Answers, err error) {
	n := set.Len()
	if n == 0 {
		return nil, fmt.Errorf("data set %s has no images", set.Name())
	}
	fractions, err := data.Crops(set, e.options.CropFile, e.options.Seed, e.options.CropMin, e.options.CropMax)
	if err != nil {
		return nil, err
	}
	cache, err := e.cache(set)
	if err != nil {
		return nil, err
	}
	restore, err := e.evaluationStream()
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := restore(); err == nil {
			err = r
		}
	}()
	size := e.model.Input.Size
	loader, err := data.NewLoader(set, data.LoaderOptions{
		BatchSize: e.options.Batch, Size: size, Transform: transform.Eval(e.model.Input.Eval()), Workers: e.options.Workers,
		OriginalWorkers: e.options.OriginalWorkers, Cache: cache,
	})
	if err != nil {
		return nil, err
	}
	a = &Answers{Set: set, search: search(ctx, e.model.Device)}
	s := &a.Samples
	s.CropFraction = fractions
	s.Labels = make([]int, 0, n)
	pixels := make([]uint8, e.options.Batch*size*size*3)
	for batch, err := range loader.Epoch(ctx, 0) {
		if err != nil {
			return nil, err
		}
		done := len(s.Labels)
		if done+batch.N > n {
			return nil, fmt.Errorf("data set %s: more than its %d images came", set.Name(), n)
		}
		sides := make([]int32, e.options.Batch)
		for i := range sides {
			sides[i] = 1 // padding
		}
		copy(sides, CropSides(size, size, fractions[done:done+batch.N]))
		for i, side := range sides[:batch.N] {
			if side < 1 {
				return nil, fmt.Errorf("data set %s: the crop fraction %g of image %d leaves no pixel of %d: raise --crop_min", set.Name(), fractions[done+i], done+i, size)
			}
		}
		copy(pixels, batch.Pixels)
		clear(pixels[batch.N*size*size*3:])
		if err := e.step(s, pixels, sides, batch.N); err != nil {
			return nil, err
		}
		for _, l := range batch.Labels {
			s.Labels = append(s.Labels, int(l))
		}
		if batch.Soft != nil {
			s.Soft = append(s.Soft, batch.Soft...)
			s.SoftClasses = len(batch.Soft) / batch.N
		}
		if e.options.Progress != nil {
			e.options.Progress(set.Name(), len(s.Labels), n)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkEmbeddings(set.Name(), s); err != nil || e.options.Answered == nil {
		return a, err
	}
	return a, e.options.Answered(a)
}

// step runs one batch and appends the answers for its first n rows.
func (e *Evaluator) step(s *metric.Samples, pixels []uint8, sides []int32, n int) error {
	size := e.model.Input.Size
	in := tensors.FromFlatDataAndDimensions(pixels, e.options.Batch, size, size, 3)
	out, err := e.exec.Exec(in, sides)
	if err != nil {
		return fmt.Errorf("evaluation step: %w", err)
	}
	defer func() {
		for _, o := range out {
			o.FinalizeAll()
		}
		in.FinalizeAll()
	}()
	for i, dst := range []*[]float32{&s.Features, &s.Uncertainty, &s.Logits, &s.Cropped} {
		width := 1
		if out[i].Rank() == 2 {
			width = out[i].Shape().Dim(1)
		}
		switch i {
		case 0:
			s.Dim = width
		case 2:
			s.Classes = width
		}
		err := tensors.ConstFlatData(out[i], func(flat []float32) { *dst = append(*dst, flat[:n*width]...) })
		if err != nil {
			return err
		}
	}
	return nil
}

// checkEmbeddings refuses what the original refuses: NaNs, and embeddings that are
// nearly all zero, which mean that images were not read.
func checkEmbeddings(set string, s *metric.Samples) error {
	zero := 0
	for i := range s.Labels {
		empty := true
		for _, v := range s.Features[i*s.Dim : (i+1)*s.Dim] {
			if v != v {
				return fmt.Errorf("data set %s: the embedding of image %d contains NaN: the model has diverged", set, i)
			}
			empty = empty && v == 0
		}
		if empty {
			zero++
		}
	}
	if float64(zero) > 0.9*float64(len(s.Labels)) {
		return fmt.Errorf("data set %s: %d of %d embeddings are all zero: are its images readable, and the weights numbers?", set, zero, len(s.Labels))
	}
	return nil
}

// Metrics computes the benchmark's metrics, rounded as the original publishes them.
func (a *Answers) Metrics() (metric.Metrics, error) {
	m, err := metric.Dictionary(a.Samples, a.rules())
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", a.Set.Name(), err)
	}
	return m.Rounded(), nil
}

// Extended computes the metrics beyond the original's, unrounded.
func (a *Answers) Extended() (metric.Metrics, error) {
	m, err := metric.Extended(a.Samples, a.rules())
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", a.Set.Name(), err)
	}
	return m, nil
}

// evaluationStream puts a fixed random stream in place of the Store's, and returns
// what brings the old one back.
func (e *Evaluator) evaluationStream() (restore func() error, err error) {
	store := e.model.Store
	v := store.GetVariable("/" + model.RNGStateVariableName)
	if v == nil || !v.HasValue() {
		return func() error { return nil }, nil
	}
	value, err := v.Value()
	if err != nil {
		return nil, err
	}
	old, err := value.LocalClone()
	if err != nil {
		return nil, err
	}
	const evaluationSeed = 20230707 // the day of the benchmark's paper
	if err := store.SetRNGStateFromSeed(evaluationSeed); err != nil {
		return nil, err
	}
	return func() error { return v.SetValue(old) }, nil
}
