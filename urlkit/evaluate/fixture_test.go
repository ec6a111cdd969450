package evaluate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/data"
	"urlbench/data/transform"
	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/method"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/run"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "evaluate")) }

// TestFixtureCrop compares the batched crop with the original's image by image:
// sides, places, pixels.
func TestFixtureCrop(t *testing.T) {
	raw, err := os.ReadFile(fixture.Path("data/evaluate.json"))
	if err != nil {
		t.Fatal(err)
	}
	type crop struct {
		CropSize []int32   `json:"crop_size"`
		Error    string    `json:"error"`
		Size     int       `json:"input_size"`
		Fraction []float64 `json:"fractions"`
	}
	var metas struct {
		Cases map[string]json.RawMessage `json:"cases"`
	}
	if err := json.Unmarshal(raw, &metas); err != nil {
		t.Fatal(err)
	}
	f := fixture.Open(t, "data/evaluate.safetensors")
	walked := 0
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for name := range metas.Cases {
			if !strings.HasPrefix(name, "crop/") {
				continue // package metric walks the others
			}
			walked++
			c := fixture.Case{File: f, Name: name}
			var meta crop
			if err := json.Unmarshal(metas.Cases[name], &meta); err != nil {
				t.Fatal(err)
			}
			if meta.Error != "" {
				bad := false
				for _, s := range CropSides(meta.Size, meta.Size, meta.Fraction) {
					bad = bad || s < 1
				}
				if !bad {
					t.Errorf("%s: sides %v, the original has none to resize", c.Name, CropSides(meta.Size, meta.Size, meta.Fraction))
				}
				continue
			}
			in := c.Tensor(t, "in.input")
			h, w := in.Shape[2], in.Shape[3]
			sides := CropSides(h, w, c.Tensor(t, "in.center_crop").Float64s())
			if fmt.Sprint(sides) != fmt.Sprint(meta.CropSize) {
				t.Errorf("%s: sides %v, want %v", c.Name, sides, meta.CropSize)
			}
			values := make([]float64, len(sides))
			for i, s := range sides {
				values[i] = float64(s)
			}
			got := devicetest.Run(t, d, dtypes.Float32, []devicetest.Array{devicetest.FromTensor(in), {Dims: []int{len(sides)}, Values: values, Int: true}}, func(in []*Node) []*Node {
				x := TransposeAllAxes(in[0], 0, 2, 3, 1)
				return []*Node{TransposeAllAxes(Cropped(x, in[1]), 0, 3, 1, 2)}
			})
			c.Compare(t, "out.input_c", string(d.Kind)+" float32", got[0], fixture.Abs(1e-5))
		}
	})
	if walked == 0 {
		t.Fatal("no crop cases")
	}
}

// pixelModel is the recorded closed-form model: block means of a 3x3 grid, a linear
// classifier on them, 0.35 mean(x²) + 0.1 as uncertainty.
func pixelModel(t *testing.T, d *device.Device, f *fixture.File, size int) *Model {
	t.Helper()
	weight, err := f.Tensor("pixel_model/in.weight")
	if err != nil {
		t.Fatal(err)
	}
	bias, err := f.Tensor("pixel_model/in.bias")
	if err != nil {
		t.Fatal(err)
	}
	input, err := transform.Resolve(0, "resnet50", transform.Overrides{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	classes, dim := weight.Shape[0], weight.Shape[1]
	return &Model{
		Name: "pixelstub", Device: d, Store: model.NewStore(), Input: input, Classes: classes, Compute: dtypes.Float32,
		Forward: func(_ *nn.Context, x *Node) method.Outputs {
			b, side := x.Shape().Dim(0), x.Shape().Dim(1)
			blocks := ReduceMean(Reshape(x, b, 3, side/3, 3, side/3, 3), 2, 4)
			features := Reshape(TransposeAllAxes(blocks, 0, 3, 1, 2), b, dim)
			g := x.Graph()
			w := Reshape(Const(g, weight.Float32s()), classes, dim)
			logits := Add(DotGeneral(features, []int{1}, nil, w, []int{1}, nil), ExpandLeftToRank(Const(g, bias.Float32s()), 2))
			unc := AddScalar(MulScalar(ReduceMean(Square(x), 1, 2, 3), 0.35), 0.1)
			return method.Outputs{Logits: logits, Uncertainty: unc, Embedding: features}
		},
	}
}

// TestFixtureValidate evaluates the miniature data sets on disk with the recorded
// model, from image files to the complete dictionary.
func TestFixtureValidate(t *testing.T) {
	f := fixture.Open(t, "data/e2e_validate.safetensors")
	raw, err := os.ReadFile(fixture.Path("data/e2e_validate.json"))
	if err != nil {
		t.Fatal(err)
	}
	type dataset struct {
		Metrics map[string]any `json:"metrics"`
	}
	var meta struct {
		Cases map[string]struct {
			Result   map[string]any     `json:"result"`
			Datasets map[string]dataset `json:"datasets"`
			Args     struct {
				Split      string   `json:"split"`
				Dataset    string   `json:"dataset"`
				Downstream []string `json:"dataset_downstream"`
				Workers    int      `json:"workers"`
				Batch      int      `json:"batch_size"`
				Size       int      `json:"img_size"`
				CropMin    float64  `json:"crop_min"`
				CropMax    float64  `json:"crop_max"`
			} `json:"args"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil || len(meta.Cases) == 0 {
		t.Fatal(err, "no cases")
	}
	tree := fixture.Path("data/tree")
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for name, c := range meta.Cases {
			if c.Args.Dataset == "" {
				continue // ReaL labels on torch/imagenet, where the original fails
			}
			t.Run(name, func(t *testing.T) {
				crops := t.TempDir()
				names := append([]string{c.Args.Dataset}, c.Args.Downstream...)
				cases := map[string]fixture.Case{}
				for _, set := range names {
					fc := fixture.Case{File: f, Name: name + "/" + set}
					cases[set] = fc
					writeCrops(t, crops, fc.Tensor(t, "in.center_crop").Float64s(), c.Args.CropMin, c.Args.CropMax)
				}
				e, err := New(pixelModel(t, d, f, c.Args.Size), Options{Batch: c.Args.Batch, CropMin: c.Args.CropMin, CropMax: c.Args.CropMax, CropFile: crops, OriginalWorkers: c.Args.Workers})
				if err != nil {
					t.Fatal(err)
				}
				defer e.Close()
				var each []metric.Metrics
				var sets []data.Dataset
				for _, set := range names {
					o := data.Options{Root: tree, SoftLabels: filepath.Join(tree, "raters.npz"), RealLabels: filepath.Join(tree, "real.json")}
					if strings.HasSuffix(set, "/imagenet") {
						o.Root = filepath.Join(tree, "ImageNet2012")
					}
					ds, err := data.Open(set, c.Args.Split, o)
					if err != nil {
						t.Fatal(err)
					}
					a, err := e.Answers(context.Background(), ds)
					if err != nil {
						t.Fatal(err)
					}
					label := string(d.Kind) + " float32"
					for tensor, got := range map[string][]float32{"out.features": a.Samples.Features, "out.logits": a.Samples.Logits, "out.unc": a.Samples.Uncertainty, "out.unc_c": a.Samples.Cropped} {
						cases[set].Compare(t, tensor, label, widened(got), fixture.Abs(1e-4))
					}
					m, err := metric.Dictionary(a.Samples, metric.Options{SecondHit: true})
					if err != nil {
						t.Fatal(err)
					}
					m = published(m.Rounded())
					for _, x := range m {
						cases[set].CompareTo(t, x.Name, label, []float64{x.Value}, []float64{number(t, c.Datasets[set].Metrics[x.Name])}, metricTolerance(x.Name))
					}
					if len(m)+1 != len(c.Datasets[set].Metrics) {
						t.Errorf("%s: %d metrics, want %d", set, len(m), len(c.Datasets[set].Metrics)-1)
					}
					each, sets = append(each, m), append(sets, ds)
				}
				if c.Result == nil {
					return // the original fails after measuring each set
				}
				columns, err := FlatColumns("pixelstub", sets[1:], each[1:])
				if err != nil {
					t.Fatal(err)
				}
				columns = append(Columns("pixelstub", each[0]), columns...)
				for _, col := range columns {
					if col.Text != "" {
						continue
					}
					fixture.Case{File: f, Name: name}.CompareTo(t, col.Name, string(d.Kind), []float64{float64(col.Value)}, []float64{number(t, c.Result[col.Name])}, metricTolerance(col.Name))
				}
			})
		}
	})
}

// published drops the exact R-AUROC and puts the original's in its place, which is
// what the fixtures hold.
func published(m metric.Metrics) metric.Metrics {
	original, _ := m.Get("auroc_correct_original")
	var out metric.Metrics
	for _, x := range m {
		switch x.Name {
		case "auroc_correct_original":
			continue
		case "auroc_correct":
			x.Value = original
		}
		out = append(out, x)
	}
	return out
}

// metricTolerance is that of the fixtures' README: ranks of entropies may break ties
// in the last bit.
func metricTolerance(name string) fixture.Tolerance {
	if strings.HasSuffix(name, "rcorr_entropy") {
		return fixture.Abs(5e-3)
	}
	return fixture.Abs(1e-4)
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if v == "NaN" {
			return math.NaN()
		}
	}
	t.Fatalf("%v is no number", v)
	return 0
}

func widened(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// writeCrops writes crop fractions as the original's file.
func writeCrops(t *testing.T, dir string, fractions []float64, low, high float64) {
	t.Helper()
	var b strings.Builder
	for _, f := range fractions {
		fmt.Fprintf(&b, "%.18e\n", f)
	}
	path := filepath.Join(dir, fmt.Sprintf("randomcrops_%d_%s_%s.csv", len(fractions), run.FormatFloat(low), run.FormatFloat(high)))
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
