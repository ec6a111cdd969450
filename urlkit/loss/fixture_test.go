package loss

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/uncertainty"
	"urlbench/urlkit/vmf"
)

func TestMain(m *testing.M) {
	devicetest.CompileFast() // a graph per case
	os.Exit(fixture.Main(m, "loss"))
}

// meta is what the cases' parameters say; each family has some.
type meta struct {
	Loss       string
	Smoothing  float64
	Lambda     float64 `json:"lambda_"`
	InvTemp    float64 `json:"inv_temp"`
	AddConst   float64 `json:"hib_add_const"`
	Samples    int     `json:"n_samples"`
	Supervised bool
	KappaInit  string `json:"kappa_init"`
}

// run is one case on one backend in one precision.
type run struct {
	fixture.Case
	meta
	device *device.Device
	dtype  dtypes.DType
	label  string
}

// context returns a context for losses whose parameters and random numbers are not
// needed.
func (r run) context() *nn.Context {
	return nn.NewContext(model.NewStore().RootScope(), r.dtype, true)
}

// tolerance of values.
func (r run) tolerance() fixture.Tolerance {
	if r.dtype == dtypes.Float64 {
		return fixture.Rel(1e-9)
	}
	return fixture.Tolerance{Rel: 1e-4, Abs: 1e-6} // the latter for entries near 0 of unit vectors
}

// slopes is the tolerance of gradients.
func (r run) slopes() fixture.Tolerance {
	if r.dtype == dtypes.Float64 {
		return fixture.RelMax(1e-9)
	}
	return fixture.RelMax(1e-4)
}

// graph runs fn on the case's inputs, in the order of names, and compares its
// outputs: the loss per example, whose mean is out.loss, then the named outputs, and
// the gradients of the mean with respect to the nodes that fn says.
func (r run) graph(t *testing.T, names []string, fn func(in map[string]*Node) (perExample *Node, outputs, gradients map[string]*Node)) {
	t.Helper()
	var in []devicetest.Array
	for _, n := range names {
		in = append(in, devicetest.FromTensor(r.Tensor(t, n)))
	}
	var outputs []string
	var isGradient []bool
	got := devicetest.Run(t, r.device, r.dtype, in, func(nodes []*Node) []*Node {
		byName := map[string]*Node{}
		for i, n := range names {
			byName[strings.TrimPrefix(n, "in.")] = nodes[i]
		}
		perExample, outs, ats := fn(byName)
		total := ReduceAllMean(perExample)
		result := []*Node{total, perExample}
		outputs, isGradient = []string{"out.loss", ""}, []bool{false, false}
		for name, node := range outs {
			if r.Has("out." + name) {
				outputs, isGradient = append(outputs, "out."+name), append(isGradient, false)
				result = append(result, node)
			}
		}
		var at []*Node
		for name, node := range ats {
			if r.Has("grad." + name) {
				outputs, isGradient = append(outputs, "grad."+name), append(isGradient, true)
				at = append(at, node)
			}
		}
		if len(at) > 0 { // one call: each walks the whole graph back
			result = append(result, Gradient(total, at...)...)
		}
		return result
	})
	for i, name := range outputs {
		switch {
		case name == "": // the loss per example, checked for its length
			if b := in[0].Dims[0]; len(got[i]) != b && !r.Has("in.head_logits") {
				t.Errorf("%d values per example, want %d", len(got[i]), b)
			}
		case isGradient[i]:
			r.Compare(t, name, r.label, got[i], r.slopes())
		default:
			r.Compare(t, name, r.label, got[i], r.tolerance())
		}
	}
	for _, n := range r.Names("grad.") {
		if !contains(outputs, n) {
			t.Errorf("%s: %s is not compared", r.Name, n)
		}
	}
	for _, n := range r.Names("out.") {
		// The scalars below are compared by the cases themselves.
		if !contains(outputs, n) && n != "out.loss_no_smoothing" {
			t.Errorf("%s: %s is not compared", r.Name, n)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// families are the cases' families and what computes them.
var families = map[string]func(t *testing.T, r run){
	"ls":          crossEntropyCase,
	"ce":          crossEntropyCase,
	"ls_ensemble": ensembleCase,
	"ls_neginf":   negInfCase,
	"softtarget":  softTargetCase,
	"elk":         elkCase,
	"risk":        riskCase,
	"infonce":     infonceCase,
	"mcinfonce":   mcinfonceCase,
	"hib":         hibCase,
	"nivmf":       nivmfCase,
}

func TestFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, rel := range fixture.Glob(t, "math/loss_*.safetensors") {
			for _, c := range fixture.Open(t, rel).Cases() {
				compute, ok := families[c.Family()]
				if !ok { // ls_big is of the family ls, as ls_2 is
					first, _, _ := strings.Cut(c.Family(), "_")
					compute, ok = families[first]
				}
				if !ok {
					t.Errorf("%s: unknown family %q of case %s", rel, c.Family(), c.Name)
					continue
				}
				for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
					t.Run(c.Name+"/"+dtype.String(), func(t *testing.T) {
						r := run{Case: c, device: d, dtype: dtype, label: fmt.Sprintf("%s %s", d.Kind, dtype)}
						c.Meta(t, &r.meta)
						compute(t, r)
					})
				}
			}
		}
	})
}

type nodes = map[string]*Node

func crossEntropyCase(t *testing.T, r run) {
	r.graph(t, []string{"in.logits", "in.target"}, func(in nodes) (*Node, nodes, nodes) {
		y := CrossEntropy(r.context(), Batch{Logits: in["logits"], Labels: in["target"]}, Config{Smoothing: r.Smoothing})
		return y, nil, nodes{"logits": in["logits"]}
	})
}

func ensembleCase(t *testing.T, r run) {
	r.graph(t, []string{"in.head_logits", "in.target"}, func(in nodes) (*Node, nodes, nodes) {
		logits := uncertainty.MeanLogits(in["head_logits"])
		y := CrossEntropy(r.context(), Batch{Logits: logits, Labels: in["target"]}, Config{Smoothing: r.Smoothing})
		return y, nodes{"mean_logprob": logits}, nodes{"head_logits": in["head_logits"]}
	})
}

func negInfCase(t *testing.T, r run) {
	for name, s := range map[string]float64{"out.loss": r.Smoothing, "out.loss_no_smoothing": 0} {
		in := []devicetest.Array{devicetest.FromTensor(r.Tensor(t, "in.logits")), devicetest.FromTensor(r.Tensor(t, "in.target"))}
		got := devicetest.Run(t, r.device, r.dtype, in, func(in []*Node) []*Node {
			y := CrossEntropy(r.context(), Batch{Logits: in[0], Labels: in[1]}, Config{Smoothing: s})
			return []*Node{ReduceAllMean(y)}
		})
		r.Compare(t, name, r.label, got[0], r.tolerance())
	}
}

func softTargetCase(t *testing.T, r run) {
	r.graph(t, []string{"in.logits", "in.target"}, func(in nodes) (*Node, nodes, nodes) {
		y := CrossEntropy(r.context(), Batch{Logits: in["logits"], SoftLabels: in["target"]}, Config{Smoothing: .1})
		return y, nil, nodes{"logits": in["logits"]}
	})
}

func elkCase(t *testing.T, r run) {
	r.graph(t, []string{"in.features", "in.unc", "in.target", "in.classifier_weight"}, func(in nodes) (*Node, nodes, nodes) {
		b := Batch{Uncertainty: in["unc"], Embedding: in["features"], Classifier: in["classifier_weight"], Labels: in["target"]}
		y := ELK(r.context(), b, Config{InvTemp: r.InvTemp})
		classKappa := elkClassKappa(b.Classifier, Config{InvTemp: r.InvTemp})
		sim := elkSimilarity(vmf.Direction(b.Embedding), Reciprocal(b.Uncertainty), vmf.Direction(b.Classifier), classKappa, semantics.Original)
		sim = AddScalar(sim, vmf.LogNormBase(b.Embedding.Shape().Dim(1), semantics.Original))
		return y, nodes{"sim": sim, "class_kappa": classKappa}, nodes{"features": in["features"], "unc": in["unc"], "classifier_weight": in["classifier_weight"]}
	})
}

func riskCase(t *testing.T, r run) {
	r.graph(t, []string{"in.logits", "in.unc", "in.target"}, func(in nodes) (*Node, nodes, nodes) {
		y := Riskpred(r.context(), Batch{Logits: in["logits"], Uncertainty: in["unc"], Labels: in["target"]}, Config{Lambda: r.Lambda})
		return y, nil, nodes{"logits": in["logits"], "unc": in["unc"]}
	})
}

func infonceCase(t *testing.T, r run) {
	cfg := Config{InvTemp: r.InvTemp, SSL: !r.Supervised}
	r.graph(t, []string{"in.features", "in.target", "in.inv_temp"}, func(in nodes) (*Node, nodes, nodes) {
		x := vmf.Direction(in["features"])
		y := infoNCE(x, Squeeze(in["inv_temp"]), pairsOf(x, in["target"], cfg), semantics.Original)
		return y, nodes{"loss": r.byFunc(InfoNCE, in, cfg)}, nodes{"features": in["features"], "inv_temp": in["inv_temp"]}
	})
}

// byFunc is the loss as the benchmark calls it, with the parameters that it makes
// itself.
func (r run) byFunc(f Func, in nodes, cfg Config) *Node {
	if in["beta_e"] != nil {
		cfg.Sampler = recorded(in)
	}
	return ReduceAllMean(f(r.context(), batchOf(in), cfg))
}

func batchOf(in nodes) Batch {
	return Batch{Uncertainty: in["unc"], Embedding: in["features"], Classifier: in["classifier_weight"], Labels: in["target"]}
}

// recorded is a sampler of the case's own random numbers.
func recorded(in nodes) vmf.Sampler {
	e := in["beta_e"] // [S, B, 1]
	draws := vmf.RecordedDraws{E: Reshape(e, 1, e.Shape().Dim(0), e.Shape().Dim(1)), Full: in["normal"]}
	return func(mu, kappa *Node, n int) *Node { return vmf.Sample(draws, mu, kappa, n, semantics.Original) }
}

// sampled draws the case's samples, and their cosines.
func (r run) sampled(in nodes) (z *Node, outputs nodes) {
	cfg := Config{Samples: r.Samples, Sampler: recorded(in)}
	z = cfg.draw(r.context(), batchOf(in))
	mu := vmf.Direction(in["features"])
	w := ReduceSum(Mul(z, BroadcastToShape(InsertAxes(mu, 0), z.Shape())), -1)
	return z, nodes{"samples": z, "w": w}
}

func mcinfonceCase(t *testing.T, r run) {
	cfg := Config{InvTemp: r.InvTemp, Samples: r.Samples, SSL: !r.Supervised}
	r.graph(t, []string{"in.features", "in.unc", "in.target", "in.inv_temp", "in.beta_e", "in.normal"}, func(in nodes) (*Node, nodes, nodes) {
		z, outputs := r.sampled(in)
		outputs["loss"] = r.byFunc(MCInfoNCE, in, cfg)
		y := mcInfoNCE(z, Squeeze(in["inv_temp"]), pairsOf(z, in["target"], cfg), semantics.Original)
		return y, outputs, nodes{"features": in["features"], "unc": in["unc"], "inv_temp": in["inv_temp"], "samples": z}
	})
}

func hibCase(t *testing.T, r run) {
	cfg := Config{InvTemp: r.InvTemp, AddConst: r.AddConst, Samples: r.Samples, SSL: !r.Supervised}
	r.graph(t, []string{"in.features", "in.unc", "in.target", "in.inv_temp", "in.add_const", "in.beta_e", "in.normal"}, func(in nodes) (*Node, nodes, nodes) {
		z, outputs := r.sampled(in)
		outputs["loss"] = r.byFunc(HIB, in, cfg)
		y := hib(z, Squeeze(in["inv_temp"]), Squeeze(in["add_const"]), pairsOf(z, in["target"], cfg), semantics.Original)
		return y, outputs, nodes{"features": in["features"], "unc": in["unc"], "inv_temp": in["inv_temp"], "add_const": in["add_const"], "samples": z}
	})
}

func nivmfCase(t *testing.T, r run) {
	cfg := Config{InvTemp: r.InvTemp, Samples: r.Samples}
	r.graph(t, []string{"in.features", "in.unc", "in.target", "in.classifier_weight", "in.class_kappa", "in.beta_e", "in.normal"}, func(in nodes) (*Node, nodes, nodes) {
		z, outputs := r.sampled(in)
		sim := nivmfSimilarity(z, in["classifier_weight"], in["class_kappa"], cfg)
		outputs["sim"] = AddScalar(sim, nivmfOffset(z.Shape().Dim(-1), cfg))
		if r.KappaInit == "init" { // the table that the loss starts with
			outputs["loss"] = r.byFunc(NivMF, in, cfg)
		}
		return smoothed(sim, in["target"], 0), outputs, nodes{
			"features": in["features"], "unc": in["unc"], "classifier_weight": in["classifier_weight"],
			"class_kappa": in["class_kappa"], "samples": z,
		}
	})
}
