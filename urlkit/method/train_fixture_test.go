package method

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/optim"
)

// trainer is the graph of a training step of a case and what it shows.
type trainer struct {
	record
	store *model.Store
	exec  *model.Exec
	names []string // of the graph's outputs, after the loss and the gradients' norms
	keys  []string // state_dict keys of the weights that have a gradient, in the norms' order
}

// trainLoss returns the case's loss.
func (r record) trainLoss(t *testing.T) (loss.Func, loss.Config) {
	t.Helper()
	switch r.meta.Loss.Name {
	case "LabelSmoothingCrossEntropy":
		return loss.CrossEntropy, loss.Config{Smoothing: r.meta.Loss.Smoothing}
	case "RiskPrediction":
		return loss.Riskpred, loss.Config{Lambda: r.meta.Loss.Lambda}
	}
	t.Fatalf("%s: unknown loss %q", r.Name, r.meta.Loss.Name)
	return nil, loss.Config{}
}

// trainGraph builds one step: forward, gradients and, where the case has an
// optimiser and steps, the update.
func (r record) trainGraph(t *testing.T, d *device.Device, dtype dtypes.DType) *trainer {
	t.Helper()
	tr := &trainer{record: r, store: model.NewStore()}
	fill(t, tr.store, r.manifest, r.meta.Seed, r.options.CMult, dtype)
	lossFn, config := r.trainLoss(t)
	exec, err := model.NewExec(d.Backend, tr.store, func(s *model.Scope, in []*Node) []*Node {
		tr.names, tr.keys = nil, nil
		in, labels, update := in[:len(in)-2], in[len(in)-2], in[len(in)-1]
		c, rnd := r.context(t, s, d, dtype, true, in)
		var scales []*Node
		o := r.options
		o.observeSpectral = func(_ string, factor *Node) { scales = append(scales, factor) }
		out := Forward(c, in[0], o)
		r.checkSites(t, rnd)
		l := ReduceAllMean(lossFn(c, loss.Batch{Logits: out.Logits, Uncertainty: out.Uncertainty,
			Embedding: out.Embedding, Classifier: out.Classifier, Labels: labels}, config))
		params := optim.Gradients(c.Scope, l)
		grads := map[string]*Node{}
		var norms []*Node
		for _, p := range params {
			key := strings.TrimPrefix(p.Var.Path(), nn.ModelScope+"/")
			grads[key] = p.Grad
			tr.keys = append(tr.keys, key)
			norms = append(norms, Sqrt(ReduceAllSum(Square(p.Grad))))
		}
		outs := []*Node{l, Stack(norms, 0)}
		add := func(name string, x *Node) {
			tr.names = append(tr.names, name)
			outs = append(outs, x)
		}
		add("unc", out.Uncertainty)
		add("features_first16", Slice(out.Embedding, AxisRange(), AxisRange(0, 16)))
		add("logits_first16", Slice(out.Logits, AxisRange(), AxisRange(0, 16)))
		for _, e := range r.manifest {
			if r.Has("out.step1.grad." + e.Name) {
				add("grad."+e.Name, Slice(Reshape(grads[e.key()], -1), AxisRange(0, min(8, e.size()))))
			}
		}
		if len(scales) > 0 {
			add("sn_scale", Stack(scales, 0))
		}
		if op := r.meta.Optimizer; op != nil {
			opt, err := optim.New(op.Opt, optim.Config{WeightDecay: op.WeightDecay, Betas: op.Betas, Eps: op.Eps})
			if err != nil {
				t.Fatal(err)
			}
			g := l.Graph()
			before := map[*model.Variable]*Node{}
			for _, p := range params {
				before[p.Var] = p.Var.NodeValue(g)
			}
			opt.Update(g, tr.store.Scope(optim.StateScope), params, Scalar(g, dtype, op.LR))
			// update is 0 for the last forward pass, which moves the running statistics alone.
			for _, p := range params {
				p.Var.SetNodeValue(Where(update, p.Var.NodeValue(g), before[p.Var]))
			}
		}
		return outs
	})
	if err != nil {
		t.Fatal(err)
	}
	tr.exec = exec
	return tr
}

// step runs the graph once and returns its outputs.
func (tr *trainer) step(t *testing.T, dtype dtypes.DType, update bool) []*tensors.Tensor {
	t.Helper()
	in := tr.inputs(t, dtype)
	in = append(in, labels(tr.meta.Seed, tr.meta.Batch), update)
	outs, err := tr.exec.Exec(in...)
	if err != nil {
		t.Fatal(err)
	}
	return outs
}

// train compares the steps of training that a case recorded.
func (r record) train(t *testing.T, d *device.Device, dtype dtypes.DType) {
	t.Helper()
	for i, want := range r.Tensor(t, "in.labels").Float64s() {
		if got := labels(r.meta.Seed, r.meta.Batch)[i]; float64(got) != want {
			t.Fatalf("%s: label %d is %d, want %g", r.Name, i, got, want)
		}
	}
	tr := r.trainGraph(t, d, dtype)
	defer tr.store.Finalize()
	defer tr.exec.Finalize()
	for step := 1; step <= max(1, r.meta.Steps); step++ {
		outs := tr.step(t, dtype, r.meta.Steps > 0)
		tr.compareStep(t, d, dtype, step, outs)
	}
	if r.Has("out.final.loss") {
		outs := tr.step(t, dtype, false)
		r.Compare(t, "out.final.loss", label(d, dtype), float64s(t, outs[0]), r.trainTolerance("final.loss", dtype))
		if r.Has("out.final.sn_scale") {
			at := 2 + index(tr.names, "sn_scale")
			r.Compare(t, "out.final.sn_scale", label(d, dtype), float64s(t, outs[at]), r.trainTolerance("final.sn_scale", dtype))
		}
	}
	r.checkState(t, tr.store, dtype)
	if r.Has("out.eval.logits") {
		tr.evaluateTrained(t, d, dtype)
	}
	tr.compareShapes(t, "out.end.")
}

func index(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

func (tr *trainer) compareStep(t *testing.T, d *device.Device, dtype dtypes.DType, step int, outs []*tensors.Tensor) {
	t.Helper()
	prefix := fmt.Sprintf("out.step%d.", step)
	seen := map[string]bool{}
	check := func(name string, got []float64) {
		seen[prefix+name] = true
		if !tr.Has(prefix + name) {
			return
		}
		if tol, ok := tr.stepTolerance(step, name, dtype); ok {
			tr.Compare(t, prefix+name, label(d, dtype), got, tol)
		}
	}
	check("loss", float64s(t, outs[0]))
	norms := map[string]float64{}
	for i, norm := range float64s(t, outs[1]) {
		norms[tr.keys[i]] = norm
	}
	gradNorms, paramNorms := make([]float64, len(tr.manifest)), make([]float64, len(tr.manifest))
	for k, e := range tr.manifest {
		gradNorms[k], paramNorms[k] = -1, -1
		if norm, ok := norms[e.key()]; ok {
			gradNorms[k] = norm
		}
		value := func() []float64 {
			return float64s(t, tr.store.GetVariable(nn.ModelScope+"/"+e.key()).MustValue())
		}
		if e.Type != "buffer" && tr.Has(prefix+"param_norms") {
			sum := 0.0
			for _, v := range value() {
				sum += v * v
			}
			paramNorms[k] = math.Sqrt(sum)
		}
		if tr.Has(prefix + "param." + e.Name) {
			check("param."+e.Name, value()[:min(8, e.size())])
		}
		for _, entry := range []string{"running_mean", "running_var"} {
			if module, ok := strings.CutSuffix(e.Name, "."+entry); ok && tr.Has(prefix+entry+"."+module) {
				check(entry+"."+module, value()[:16])
			}
		}
		for _, entry := range []string{"u", "v"} {
			if module, ok := strings.CutSuffix(e.Name, "."+entry); ok && tr.Has(prefix+"sn_"+entry+"_first16."+module) {
				check("sn_"+entry+"_first16."+module, value()[:16])
			}
		}
	}
	check("grad_norms", gradNorms)
	if tr.Has(prefix + "param_norms") {
		// Frozen entries keep their start value, or their place in the power iteration.
		want := tr.Tensor(t, prefix+"param_norms").Float64s()
		for k, e := range tr.manifest {
			if want[k] == -1 {
				paramNorms[k] = -1
			} else if e.Type == "buffer" {
				t.Errorf("%s: %sparam_norms has a norm of the buffer %s", tr.Name, prefix, e.Name)
			}
		}
		check("param_norms", paramNorms)
	}
	for i, name := range tr.names {
		check(name, float64s(t, outs[2+i]))
	}
	tr.compareShapes(t, prefix)
	for _, name := range tr.Names(prefix) {
		if !seen[name] && !strings.Contains(name, "_shape.") {
			t.Errorf("%s: nothing compares %s", tr.Name, name)
		}
	}
}

// compareShapes checks where the power iteration's state has grown to.
func (tr *trainer) compareShapes(t *testing.T, prefix string) {
	t.Helper()
	for _, entry := range []string{"u", "v"} {
		for _, name := range tr.Names(prefix + "sn_" + entry + "_shape.") {
			module := strings.TrimPrefix(name, prefix+"sn_"+entry+"_shape.")
			key := entryKey(module) + "." + entry
			got := tr.store.GetVariable(nn.ModelScope + "/" + key).Shape().Dimensions
			want := tr.Tensor(t, name).Float64s()
			for i, w := range want {
				if float64(got[i]) != w {
					t.Errorf("%s: %s is %v, want %v", tr.Name, key, got, want)
					break
				}
			}
		}
	}
}

func entryKey(name string) string { return entry{Name: name}.key() }

// evaluateTrained compares the trained model in evaluation mode.
func (tr *trainer) evaluateTrained(t *testing.T, d *device.Device, dtype dtypes.DType) {
	t.Helper()
	exec, err := model.NewExec(d.Backend, tr.store, func(s *model.Scope, in []*Node) []*Node {
		c, _ := tr.context(t, s, d, dtype, false, in)
		var scales []*Node
		o := tr.options
		o.observeSpectral = func(_ string, factor *Node) { scales = append(scales, factor) }
		out := Forward(c, in[0], o)
		outs := []*Node{out.Logits, out.Uncertainty, out.Embedding}
		if len(scales) > 0 {
			outs = append(outs, Stack(scales, 0))
		}
		return outs
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	outs, err := exec.Exec(tr.inputs(t, dtype)...)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"logits", "unc", "features", "sn_scale"} {
		if tr.Has("out.eval." + name) {
			tr.Compare(t, "out.eval."+name, label(d, dtype), float64s(t, outs[i]), tr.trainTolerance("eval."+name, dtype))
		}
	}
}

// stepTolerance returns the tolerance of a step's quantity, and whether it can be
// compared in dtype at all: section 7 of the fixtures' README.
func (r record) stepTolerance(step int, name string, dtype dtypes.DType) (fixture.Tolerance, bool) {
	if dtype == dtypes.Float64 {
		switch {
		case step > 1 || strings.Contains(r.meta.Model, "sngp"):
			return fixture.RelMax(1e-6), true
		case strings.HasPrefix(name, "grad") || strings.HasPrefix(name, "param"):
			return fixture.RelMax(1e-7), true
		}
		return fixture.RelMax(1e-9), true
	}
	isViT := strings.HasPrefix(r.meta.Model, vit)
	switch {
	case name == "loss" && step == 1:
		if strings.Contains(r.meta.Model, "sngp") {
			return fixture.RelMax(1e-3), true
		}
		return fixture.RelMax(1e-4), true
	case isViT && step == 1:
		return fixture.RelMax(1e-3), true
	}
	return fixture.Tolerance{}, false
}

// trainTolerance is that of what follows the steps.
func (r record) trainTolerance(string, dtypes.DType) fixture.Tolerance { return fixture.RelMax(1e-6) }
