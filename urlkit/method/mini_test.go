package method

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/optim"
	"urlbench/urlkit/semantics"
)

// optionsOf reads the model's and the loss's flags from a published command.
func optionsOf(t *testing.T, flags []string) (Options, loss.Config) {
	t.Helper()
	o, cfg := Options{Classes: 5, UncWidth: 16}, loss.Config{Smoothing: 0.1}
	for _, f := range flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		number, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "model":
			o.Model = value
		case "unc-module":
			o.UncModule = value
		case "num-heads":
			o.NumHeads = int(number)
		case "drop":
			o.Drop = number
		case "rank_V":
			o.RankV = int(number)
		case "c-mult":
			o.CMult = number
		case "gp-input-normalization":
			o.GPInputNormalization = value == "True"
		case "gp-cov-discount-factor":
			o.GPCovDiscountFactor = number
		case "use-spec-norm":
			o.UseSpecNorm = value == "True"
		case "spec-norm-bound":
			o.SpecNormBound = number
		case "inv_temp":
			cfg.InvTemp = number
		case "lambda-value":
			cfg.Lambda = number
		case "hib_add_const":
			cfg.AddConst = number
		case "ssl":
			cfg.SSL = value == "True"
		}
	}
	return o, cfg
}

// TestMethodsTrainOnMini runs every method's published command on the convnet: a
// few steps of training on images of five classes, then an evaluation.
func TestMethodsTrainOnMini(t *testing.T) {
	const batch, side = 8, 16
	pixels, classes := make([]float32, batch*side*side*3), make([]int32, batch)
	for i := range pixels {
		image := i / (side * side * 3)
		classes[image] = int32(image / 2 % 5)
		pixels[i] = float32(math.Sin(float64(i)*0.37)) + 0.5*float32(math.Sin(float64(i%97)*float64(1+classes[image])))
	}
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		x := tensors.FromFlatDataAndDimensions(pixels, batch, side, side, 3) // of this backend
		for _, m := range All() {
			if d.Kind != device.PureGo && m.Name != "elk" && m.Name != "sngp" {
				continue // seconds of compilation for each; the losses have tests of their own there
			}
			for _, s := range []semantics.Semantics{semantics.Original, semantics.Corrected} {
				if s == semantics.Corrected && m.Variant == "" {
					continue // differs in its loss only, which package loss tests
				}
				t.Run(m.Name+"/"+s.String(), func(t *testing.T) {
					flags, err := m.Command("convnet")
					if err != nil {
						t.Fatal(err)
					}
					o, cfg := optionsOf(t, flags)
					o.Semantics, cfg.Semantics = s, s
					trainMini(t, d, m, o, cfg, x, classes)
				})
			}
		}
	})
}

func trainMini(t *testing.T, d *device.Device, m Method, o Options, cfg loss.Config, x *tensors.Tensor, classes []int32) {
	store := model.NewStore()
	defer store.Finalize()
	if err := store.SetRNGStateFromSeed(1); err != nil {
		t.Fatal(err)
	}
	context := func(s *model.Scope, training bool) *nn.Context {
		c := nn.NewContext(s, dtypes.Float32, training)
		c.Lowering = d.Lowering()
		return c
	}
	step, err := model.NewExec(d.Backend, store, func(s *model.Scope, x, labels *Node) *Node {
		c := context(s, true)
		out := Forward(c, x, o)
		ofLoss := *c
		ofLoss.Scope = store.Scope("/loss")
		perExample := m.Loss(&ofLoss, loss.Batch{Logits: out.Logits, Uncertainty: out.Uncertainty,
			Embedding: out.Embedding, Classifier: out.Classifier, Labels: labels}, cfg)
		perExample.AssertDims(x.Shape().Dim(0))
		l := ReduceAllMean(perExample)
		opt, err := optim.New("adam", optim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		opt.Update(l.Graph(), store.Scope(optim.StateScope), optim.Gradients(c.Scope, l), Scalar(l.Graph(), dtypes.Float32, 1e-3))
		return l
	})
	if err != nil {
		t.Fatal(err)
	}
	defer step.Finalize()
	if err := BeginEpoch(store, o); err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for range 8 {
		l, err := step.Call1(x, classes)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, float64(l.Value().(float32)))
	}
	for _, l := range losses {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			t.Fatalf("losses %v", losses)
		}
	}
	// Eight steps must lower a loss that is not itself a draw. That the others learn
	// too is what package train's TestEveryMethodTrains shows.
	drawn := slices.Contains([]string{"mcinfonce", "nivmf", "hib", "hetxl", "mcdropout"}, m.Name)
	if last := (losses[5] + losses[6] + losses[7]) / 3; !drawn && last >= losses[0] {
		t.Errorf("the loss does not fall: %v", losses)
	}
	if err := BeforeEvaluation(store, o); err != nil {
		t.Fatal(err)
	}
	evaluate, err := model.NewExec(d.Backend, store, func(s *model.Scope, x *Node) []*Node {
		out := Forward(context(s, false), x, o)
		out.Logits.AssertDims(x.Shape().Dim(0), o.Classes)
		out.Embedding.AssertDims(x.Shape().Dim(0), 128)
		return []*Node{out.Logits, out.Uncertainty, out.Embedding}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer evaluate.Finalize()
	outs, err := evaluate.Exec(x)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"logits", "uncertainty", "embedding"} {
		for _, v := range tensors.MustCopyFlatData[float32](outs[i]) {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("%s: %v", name, outs[i])
			}
		}
	}
}
