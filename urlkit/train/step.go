package train

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/optim"
)

// lossScope is where the losses' own parameters live.
const lossScope = "/loss"

// meterPath is the variable that sums an epoch's metrics on the device.
const meterPath = "/meter/sums"

// The entries of the meter and of what a step reports.
const (
	meterBatches  = iota // batches summed
	meterLoss            // mean loss of the batch
	meterAccuracy        // share of right classifications
	meterRecall          // R@1 within the batch
	meterAUROC           // R-AUROC within the batch
	meterUnc             // mean uncertainty
	meterBad             // 1 + the first batch whose loss was no finite number, else 0
	meterLen
)

// stepper runs training steps.
type stepper struct {
	m     *evaluate.Model
	group optim.Accumulation
	micro *model.Exec // forward, backward, accumulate; and the update if a group is one batch
	step  *model.Exec // the update of a group of several batches
}

// newStepper builds the graphs of a training step.
func newStepper(m *evaluate.Model, lossFn loss.Func, lc loss.Config, opt optim.Optimizer, group optim.Accumulation) (*stepper, error) {
	s := &stepper{m: m, group: group}
	scopes := func(scope *model.Scope) (sums, state *model.Scope) {
		return scope.Store().Scope(optim.AccumulateScope), scope.Store().Scope(optim.StateScope)
	}
	micro := func(scope *model.Scope, pixels, labels, lr *Node) *Node {
		g := pixels.Graph()
		c := m.Context(scope, true)
		out := m.Forward(c, m.Normalize(pixels))
		own := *c
		own.Scope = scope.Store().Scope(lossScope)
		perExample := lossFn(&own, loss.Batch{
			Logits: out.Logits, Uncertainty: out.Uncertainty, Embedding: out.Embedding, Classifier: out.Classifier, Labels: labels,
		}, lc)
		total := ReduceAllMean(perExample)
		params := optim.Gradients(scope.Store().RootScope(), total)
		sums, state := scopes(scope)
		if group.Steps > 1 {
			group.Add(sums, params)
		} else {
			opt.Update(g, state, optim.ClipGrad(group.Clip, params), lr)
		}
		report := StopGradient(batchReport(total, out.Logits, out.Uncertainty, out.Embedding, labels))
		return updateMeter(scope.Store(), report)
	}
	var err error
	if s.micro, err = model.NewExec(m.Device.Backend, m.Store, micro); err != nil {
		return nil, err
	}
	if group.Steps > 1 {
		s.step, err = model.NewExec(m.Device.Backend, m.Store, func(scope *model.Scope, lr *Node) *Node {
			sums, state := scopes(scope)
			group.Step(lr.Graph(), sums, state, opt, lr)
			return lr
		})
	}
	return s, err
}

func (s *stepper) close() {
	for _, e := range []*model.Exec{s.micro, s.step} {
		if e != nil {
			e.Finalize()
		}
	}
}

// run trains on one batch, which completes a group if due is set. It waits for no
// result: report reads the sums when they are wanted.
func (s *stepper) run(pixels []uint8, n, size int, labels []int32, lr float64, due bool) error {
	in := tensors.FromFlatDataAndDimensions(pixels, n, size, size, 3)
	out, err := s.micro.Exec(in, labels, lr)
	if err != nil {
		return err
	}
	for _, o := range append(out, in) {
		o.FinalizeAll()
	}
	if s.step == nil || !due {
		return nil
	}
	if out, err = s.step.Exec(lr); err != nil {
		return err
	}
	for _, o := range out {
		o.FinalizeAll()
	}
	return nil
}

// meter is an epoch's sums.
type meter [meterLen]float64

// mean returns the mean over batches of an entry.
func (m meter) mean(entry int) float64 { return m[entry] / m[meterBatches] }

// since returns the sums of the batches after an earlier reading.
func (m meter) since(earlier meter) meter {
	for i := range meterBad {
		m[i] -= earlier[i]
	}
	return m
}

// report reads the epoch's sums from the device.
func (s *stepper) report() (m meter, err error) {
	v := s.m.Store.GetVariable(meterPath)
	if v == nil || !v.HasValue() {
		return m, nil
	}
	value, err := v.Value()
	if err != nil {
		return m, err
	}
	return m, tensors.ConstFlatData(value, func(flat []float64) { copy(m[:], flat) })
}

// reset sets the epoch's sums.
func (s *stepper) reset(m meter) error {
	value := tensors.FromValue(m[:])
	if v := s.m.Store.GetVariable(meterPath); v != nil {
		return v.SetValue(value)
	}
	v, err := s.m.Store.CreateVariable(meterPath, value)
	if err == nil {
		v.SetTrainable(false)
	}
	return err
}

// updateMeter adds a batch's report to the meter and returns the report.
func updateMeter(store *model.Store, report *Node) *Node {
	g := report.Graph()
	v := store.VariableWithShape(meterPath, shapes.Make(dtypes.Float64, meterLen), Zeros).SetTrainable(false)
	old := v.NodeValue(g)
	sums := Add(old, report)
	// The last entry keeps the first bad batch instead of a sum.
	batches := Slice(sums, AxisRange(meterBatches, meterBatches+1))
	bad := Slice(old, AxisRange(meterBad, meterBad+1))
	now := Slice(report, AxisRange(meterBad, meterBad+1))
	zero := ZerosLike(bad)
	bad = Where(And(Equal(bad, zero), NotEqual(now, zero)), batches, bad)
	v.SetNodeValue(Concatenate([]*Node{Slice(sums, AxisRange(0, meterBad)), bad}, 0))
	return report
}

// batchReport is what a batch adds to the meter, float64 [meterLen]: logits [B, C],
// uncertainty [B], embedding [B, D], labels [B]. A loss that is not finite counts
// as 0 and is marked bad.
func batchReport(total, logits, unc, embedding, labels *Node) *Node {
	total, logits, unc, embedding = StopGradient(total), StopGradient(logits), StopGradient(unc), StopGradient(embedding)
	f64 := func(x *Node) *Node { return Reshape(ConvertDType(x, dtypes.Float64), 1) }
	finite := IsFinite(total)
	zero := ZerosLike(total)
	right := Equal(ArgMax(logits, -1, dtypes.Int32), ConvertDType(labels, dtypes.Int32))
	hit := nearestHits(embedding, labels)
	one := Scalar(total.Graph(), dtypes.Float64, 1)
	entries := make([]*Node, meterLen)
	entries[meterBatches] = f64(one)
	entries[meterLoss] = f64(Where(finite, total, zero))
	entries[meterAccuracy] = f64(shareOf(right))
	entries[meterRecall] = f64(shareOf(hit))
	entries[meterAUROC] = f64(inBatchAUROC(unc, hit))
	mean := ReduceAllMean(ConvertDType(unc, dtypes.Float32))
	entries[meterUnc] = f64(Where(IsFinite(mean), mean, ZerosLike(mean)))
	entries[meterBad] = f64(Where(finite, zero, OnesLike(total)))
	return Concatenate(entries, 0)
}

// shareOf is the share of true entries, float32.
func shareOf(x *Node) *Node { return ReduceAllMean(ConvertDType(x, dtypes.Float32)) }

// nearestHits reports for each row [B] of embedding [B, D] whether its most similar
// other row, by cosine, has its label.
func nearestHits(embedding, labels *Node) *Node {
	x := ConvertDType(embedding, dtypes.Float32)
	norm := Sqrt(ReduceAndKeep(Square(x), ReduceSum, -1))
	x = Div(x, MaxScalar(norm, 1e-12))
	similarity := DotGeneral(x, []int{1}, nil, x, []int{1}, nil)
	self := Diagonal(x.Graph(), x.Shape().Dim(0))
	similarity = Where(self, ConstAs(similarity, float32(math.Inf(-1))), similarity)
	nearest := ArgMax(similarity, -1, dtypes.Int32)
	return Equal(Gather(labels, InsertAxes(nearest, -1)), labels)
}

// inBatchAUROC is the chance that of a hit and a miss the miss is the more
// uncertain, ties counted half; 0 if there are none of either, as the original has
// it. unc [B], hit [B] bool -> scalar float32.
func inBatchAUROC(unc, hit *Node) *Node {
	u := ConvertDType(unc, dtypes.Float32)
	h := ConvertDType(hit, dtypes.Float32)
	miss, right := InsertAxes(u, 1), InsertAxes(u, 0)
	wins := Add(ConvertDType(GreaterThan(miss, right), dtypes.Float32), MulScalar(ConvertDType(Equal(miss, right), dtypes.Float32), 0.5))
	pairs := Mul(InsertAxes(OneMinus(h), 1), InsertAxes(h, 0))
	return Div(ReduceAllSum(Mul(wins, pairs)), MaxScalar(ReduceAllSum(pairs), 1))
}

// divergence is the error of a loss that is no finite number.
func divergence(epoch, batch int, files []string, good string) error {
	const shown = 8
	more := ""
	if len(files) > shown {
		more = fmt.Sprintf(" and %d more", len(files)-shown)
		files = files[:shown]
	}
	if good == "" {
		good = "none yet"
	}
	return fmt.Errorf("the loss is no finite number in epoch %d, batch %d (files: %v%s): lower --lr-base or set --clip-grad; last good checkpoint: %s", epoch, batch, files, more, good)
}
