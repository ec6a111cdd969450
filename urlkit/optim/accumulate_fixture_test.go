package optim

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

func TestAccumulationFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, rel := range fixture.Glob(t, "math/accumulation*.safetensors") {
			for _, c := range fixture.Open(t, rel).Cases() {
				t.Run(c.Name, func(t *testing.T) {
					if f := c.Family(); f != "acc" {
						t.Fatalf("%s: unknown family %q", rel, f)
					}
					testAccumulation(t, d, c, dtypes.Float64)
					testAccumulation(t, d, c, dtypes.Float32)
				})
			}
		}
	})
}

// tinyLoss is the fixture's model, logits = fc(x), unc = softplus(un(x)), under the
// loss that its metadata names: "risk lambda=0.3" or "ls smoothing=0.1".
func tinyLoss(t *testing.T, name string, c *nn.Context, x, y *Node, classes int) *Node {
	kind, parameter, _ := strings.Cut(name, " ")
	_, number, _ := strings.Cut(parameter, "=")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		t.Fatalf("loss %q: %v", name, err)
	}
	logp := LogSoftmax(nn.Linear(c.In("fc"), x, classes))
	nll := Neg(ReduceSum(Mul(logp, OneHot(y, classes, logp.DType())), -1))
	switch kind {
	case "ls":
		return ReduceAllMean(Add(MulScalar(nll, 1-value), MulScalar(Neg(ReduceMean(logp, -1)), value)))
	case "risk":
		unc := Log1P(Exp(Squeeze(nn.Linear(c.In("un"), x, 1), -1)))
		return Add(ReduceAllMean(nll), MulScalar(ReduceAllMean(Square(Sub(unc, StopGradient(nll)))), value))
	}
	t.Fatalf("unknown loss %q", name)
	return nil
}

func testAccumulation(t *testing.T, d *device.Device, c fixture.Case, dtype dtypes.DType) {
	var meta struct {
		Argv    []string
		LR      float64
		Batches int
		Steps   int `json:"accumulation_steps"`
		Epochs  int
		Loss    string
		Clip    *float64 `json:"clip_grad"`
	}
	c.Meta(t, &meta)
	name, config := configOf(t, meta.Argv)
	opt, err := New(name, config)
	if err != nil {
		t.Fatal(err)
	}
	group := Accumulation{Steps: meta.Steps}
	if meta.Clip != nil {
		if group.Clip, err = NewClipping("norm", *meta.Clip); err != nil {
			t.Fatal(err)
		}
	}
	store := model.NewStore()
	for _, n := range c.Names("in.param.") {
		x := c.Tensor(t, n)
		variable(t, store, strings.TrimPrefix(n, "in.param."), x, dtype, x.Shape)
	}
	sums, state := store.Scope(AccumulateScope), store.Scope(StateScope)
	classes := c.Tensor(t, "in.param.fc.weight").Shape[0]
	batch := model.MustNewExec(d.Backend, store, func(s *model.Scope, x, y *Node) *Node {
		ctx := nn.NewContext(s, dtype, true)
		loss := tinyLoss(t, meta.Loss, ctx, x, y, classes)
		group.Add(sums, Gradients(ctx.Scope, loss))
		return loss
	})
	defer batch.Finalize()
	step := model.MustNewExec(d.Backend, store, func(s *model.Scope, lr *Node) *Node {
		group.Step(lr.Graph(), sums, state, opt, lr)
		return lr
	})
	defer step.Finalize()

	label, tol := label(d, dtype), fixture.RelMax(1e-9)
	if dtype == dtypes.Float32 {
		tol = fixture.RelMax(1e-4)
	}
	weights := c.Names("in.param.")
	var losses, done []float64
	steps := 0
	for e := range meta.Epochs {
		if err := Drop(sums); err != nil {
			t.Fatal(err)
		}
		var total, seen float64
		for b := range meta.Batches {
			x, y := c.Tensor(t, fmt.Sprintf("in.x.%d.%d", e, b)), c.Tensor(t, fmt.Sprintf("in.y.%d.%d", e, b))
			labels, err := y.Int64s()
			if err != nil {
				t.Fatal(err)
			}
			loss := batch.MustCall(toTensor(x.Float64s(), dtype, x.Shape), labels)[0]
			n := float64(x.Shape[0])
			total, seen = total+n*values(t, loss)[0], seen+n
			if !group.Due(b) {
				continue
			}
			step.MustCall(tensors.FromScalar(meta.LR))
			for _, n := range weights {
				n = strings.TrimPrefix(n, "in.param.")
				want := c.Tensor(t, "out.step."+n)
				size := want.Len() / want.Shape[0]
				c.CompareTo(t, fmt.Sprintf("out.step.%s step %d", n, steps), label, values(t, store.GetVariable("/model/"+n).MustValue()), want.Float64s()[steps*size:(steps+1)*size], tol)
			}
			steps++
		}
		losses, done = append(losses, total/seen), append(done, float64(steps))
	}
	c.Compare(t, "out.loss_avg", label, losses, tol)
	c.Compare(t, "out.steps_done_after_epoch", label, done, fixture.Rel(0))
	for _, n := range weights {
		n = strings.TrimPrefix(n, "in.param.")
		c.Compare(t, "out.final."+n, label, values(t, store.GetVariable("/model/"+n).MustValue()), tol)
	}
}
