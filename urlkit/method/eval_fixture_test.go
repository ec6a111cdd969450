package method

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/backbone"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/uncertainty"
)

// TestModelFixture walks the whole-model cases: files of any name under models/.
func TestModelFixture(t *testing.T) {
	d := devicetest.XLA(t)
	shared := map[string]*embedder{}
	defer func() {
		for _, e := range shared {
			e.exec.Finalize()
			e.store.Finalize()
		}
	}()
	for _, rel := range fixture.Glob(t, "models/*.safetensors") {
		for _, c := range fixture.Open(t, rel).Cases() {
			t.Run(c.Name, func(t *testing.T) {
				r := open(t, c)
				switch r.meta.Mode {
				case "eval":
					r.evaluate(t, d, dtypes.Float64)
					if len(c.Names("out.tap.")) > 0 || r.averages() {
						r.evaluate(t, d, dtypes.Float32)
					} else {
						r.evaluateShared(t, d, dtypes.Float32, shared)
					}
				case "train":
					r.train(t, d, dtypes.Float64)
				default:
					t.Fatalf("%s: unknown mode %q", rel, r.meta.Mode)
				}
			})
		}
	}
}

// label names what computed a number, for docs/fidelity.md.
func label(d *device.Device, dtype dtypes.DType) string {
	name := "xla"
	if d.Kind == device.PureGo {
		name = "go"
	}
	return name + " " + strings.ToLower(dtype.String())
}

// tolerance of an evaluation: section 7 of the fixtures' README.
func (r record) tolerance(quantity string, dtype dtypes.DType) fixture.Tolerance {
	rel := 1e-9
	if dtype == dtypes.Float32 {
		rel = 1e-4
		if strings.Contains(r.meta.Model, "sngp") && quantity != "out.features" {
			rel = 1e-3
		}
	}
	tol := fixture.RelMax(rel)
	if r.meta.UncModule == "jsd" && quantity == "out.unc" {
		// Differences of entropies of ln(1000) at most: what cancels leaves rounding.
		tol.Abs = 1e-9
		if dtype == dtypes.Float32 {
			tol.Abs = 2e-5
		}
	}
	return tol
}

// evaluate compares a model's outputs in evaluation mode.
func (r record) evaluate(t *testing.T, d *device.Device, dtype dtypes.DType) {
	t.Helper()
	store := model.NewStore()
	defer store.Finalize()
	fill(t, store, r.manifest, r.meta.Seed, r.options.CMult, dtype)
	names := []string{"logits", "unc", "features"}
	wanted := map[string]bool{}
	for _, name := range r.Names("out.tap.") {
		module := strings.TrimPrefix(name, "out.tap.")
		wanted[module[:strings.LastIndex(module, ".")]] = true
	}
	exec, err := model.NewExec(d.Backend, store, func(s *model.Scope, in []*Node) []*Node {
		c, rnd := r.context(t, s, d, dtype, false, in)
		names = names[:3]
		var taps []*Node
		o := r.options
		o.Tap = func(module string, x *Node) {
			if wanted[module] {
				tap := newTap(module, x, dtype)
				for i, part := range []string{"mean", "std", "first16"} {
					names = append(names, "tap."+module+"."+part)
					taps = append(taps, []*Node{tap.mean, tap.std, tap.first}[i])
				}
				delete(wanted, module)
			}
		}
		out := Forward(c, in[0], o)
		r.checkSites(t, rnd)
		outs := append([]*Node{out.Logits, out.Uncertainty, out.Embedding}, taps...)
		if r.Has("out.head_logits_first16") {
			names = append(names, "head_logits_first16")
			outs = append(outs, Slice(out.Samples, AxisRange(), AxisRange(), AxisRange(0, 16)))
		}
		return outs
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	in := r.inputs(t, dtype)
	outs, err := exec.Exec(in...)
	if err != nil {
		t.Fatal(err)
	}
	if r.meta.StartValue > 0 {
		r.calibrate(t, exec, store, dtype)
		outs, err = exec.Exec(in...)
		if err != nil {
			t.Fatal(err)
		}
		scaler, err := uncertainty.Scaler(store)
		if err != nil {
			t.Fatal(err)
		}
		r.Compare(t, "out.unc_scaler", label(d, dtype), []float64{scaler}, r.tolerance("out.unc_scaler", dtype))
	}
	for module := range wanted {
		t.Errorf("%s: the model has no module %s", r.Name, module)
	}
	for i, name := range names {
		r.Compare(t, "out."+name, label(d, dtype), float64s(t, outs[i]), r.tolerance("out."+name, dtype))
	}
	r.checkState(t, store, dtype)
}

// calibrate sets the uncertainty's scale from the recorded batches: x and x/2.
func (r record) calibrate(t *testing.T, exec *model.Exec, store *model.Store, dtype dtypes.DType) {
	t.Helper()
	var means []float64
	for _, factor := range []float64{1, 0.5} {
		outs, err := exec.Exec(r.input(factor, dtype), r.meta.Seed)
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, u := range float64s(t, outs[1]) {
			mean += u / float64(r.meta.Batch)
		}
		means = append(means, mean)
	}
	for len(means) < uncertainty.StartBatches { // the same average over as many as it takes
		means = append(means, means[len(means)-2])
	}
	scaler, err := uncertainty.StartScaler(r.meta.StartValue, means)
	if err != nil {
		t.Fatal(err)
	}
	if err := uncertainty.SetScaler(store, scaler); err != nil {
		t.Fatal(err)
	}
}

// averages tells whether the case averages over dropout passes.
func (r record) averages() bool { return r.options.withDefaults().passes(&nn.Context{}) > 0 }

// embedder is a compiled backbone that cases share: compiling one takes seconds,
// running it a fraction of that.
type embedder struct {
	store *model.Store
	exec  *model.Exec
}

// evaluateShared compares a model's outputs as evaluate does, but runs the
// backbone's graph apart from the head's and for all cases that have the same.
func (r record) evaluateShared(t *testing.T, d *device.Device, dtype dtypes.DType, shared map[string]*embedder) {
	t.Helper()
	name, _, _ := backbone.ParseModel(r.meta.Model)
	key := fmt.Sprint(name, r.meta.DropoutCalls, r.meta.Batch, r.meta.Height, r.meta.Width, dtype)
	e := shared[key]
	if e == nil {
		e = &embedder{store: model.NewStore()}
		exec, err := model.NewExec(d.Backend, e.store, func(s *model.Scope, in []*Node) []*Node {
			c, _ := r.context(t, s, d, dtype, false, in)
			return []*Node{embed(c, in[0], r.options.withDefaults())}
		})
		if err != nil {
			t.Fatal(err)
		}
		e.exec = exec
		shared[key] = e
	}
	heads := model.NewStore()
	defer heads.Finalize()
	exec, err := model.NewExec(d.Backend, heads, func(s *model.Scope, in []*Node) []*Node {
		c, _ := r.context(t, s, d, dtype, false, in)
		o := r.options.withDefaults()
		out := onEmbedding(c, in[0], o)
		unc := uncertainty.Scaled(c, modules[o.UncModule](c, out, o))
		return []*Node{out.Logits, unc, out.Embedding}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	var ofBackbone, ofHead []entry
	for _, e := range r.manifest {
		if isHead(e.key(), backbone.HeadName(name)) {
			ofHead = append(ofHead, e)
		} else {
			ofBackbone = append(ofBackbone, e)
		}
	}
	fill(t, e.store, ofBackbone, r.meta.Seed, r.options.CMult, dtype)
	fill(t, heads, ofHead, r.meta.Seed, r.options.CMult, dtype)
	if r.Has("out.unc_scaler") {
		if err := uncertainty.SetScaler(heads, r.Scalar(t, "out.unc_scaler")); err != nil {
			t.Fatal(err)
		}
	}
	in := r.inputs(t, dtype)
	embedding, err := e.exec.Exec(in[:2]...)
	if err != nil {
		t.Fatal(err)
	}
	outs, err := exec.Exec(append([]any{embedding[0]}, in[1:]...)...)
	if err != nil {
		t.Fatal(err)
	}
	for i, quantity := range []string{"logits", "unc", "features"} {
		r.Compare(t, "out."+quantity, label(d, dtype), float64s(t, outs[i]), r.tolerance("out."+quantity, dtype))
	}
}

// isHead tells whether a state_dict entry belongs to what sits on the embedding.
func isHead(key, head string) bool {
	module, _, _ := strings.Cut(key, ".")
	return module == head || module == "classifier" || module == "unc_module"
}
