package evaluate

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/data"
	"urlbench/data/transform"
	"urlbench/urlkit/device"
	"urlbench/urlkit/method"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/run"
)

// brightness is a model without weights: the image at 4 x 4 is its embedding, with
// 6 of its values for logits and its mean brightness for uncertainty.
func brightness(t *testing.T, d *device.Device) *Model {
	t.Helper()
	input, err := transform.Resolve(0, "resnet50", transform.Overrides{Size: 16})
	if err != nil {
		t.Fatal(err)
	}
	return &Model{
		Name: "brightness", Device: d, Store: model.NewStore(), Input: input, Classes: 6, Compute: dtypes.Float32,
		Forward: func(_ *nn.Context, x *Node) method.Outputs {
			b := x.Shape().Dim(0)
			e := Reshape(ReduceMean(Reshape(x, b, 4, 4, 4, 4, 3), 2, 4), b, 48)
			return method.Outputs{Embedding: e, Logits: Slice(e, AxisRange(), AxisRange(0, 6)), Uncertainty: ReduceMean(e, 1)}
		},
	}
}

func mini(t *testing.T, name string) data.Dataset {
	t.Helper()
	set, err := data.Open(name, "validation", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestExtendedColumns holds the columns to package metric's own answers, and to
// belong where their input means something.
func TestExtendedColumns(t *testing.T) {
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(brightness(t, d), Options{Extended: true, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	upstream, blend := mini(t, "mini/upstream"), mini(t, "soft/mini-blend")
	up, err := e.UpstreamColumns(t.Context(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	down, err := e.DownstreamColumns(t.Context(), []data.Dataset{blend, mini(t, "repr/mini-garments")})
	if err != nil {
		t.Fatal(err)
	}
	a, err := e.Answers(t.Context(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Answers(t.Context(), blend)
	if err != nil {
		t.Fatal(err)
	}
	ood, err := metric.OODAUROC(a.Samples.Uncertainty, b.Samples.Uncertainty)
	if err != nil {
		t.Fatal(err)
	}
	brier, err := metric.Brier(a.Samples.Logits, 6, a.Samples.Labels)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"brier": brier, "soft/mini-blend_ood_auroc": ood} {
		if got, ok := append(run.Row(up), down...).Get(name); !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, c := range append(slices.Clone(up), down...) {
		isUp := !strings.Contains(c.Name, "mini") && !strings.HasPrefix(c.Name, "avg_")
		switch last := c.Name[strings.LastIndexByte(c.Name, '_')+1:]; {
		case (last == "ece" || last == "brier") && !isUp, strings.HasSuffix(c.Name, "ood_auroc") && isUp,
			strings.HasPrefix(c.Name, "avg_") && (last == "low" || last == "high"):
			t.Errorf("%s should not be there", c.Name)
		}
	}
}

// TestSearchOnDevice takes the way of a GPU, on the CPU, to the same metrics.
func TestSearchOnDevice(t *testing.T) {
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	gpu := *d
	gpu.Kind = device.XLACUDA
	set := mini(t, "soft/mini-blend")
	var got [2][]metric.Metrics
	for i, d := range []*device.Device{d, &gpu} {
		e, err := New(brightness(t, d), Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		a, err := e.Answers(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		if onDevice := a.search != nil; onDevice != (d.Kind == device.XLACUDA) {
			t.Errorf("%s: search on the device: %v", d.Kind, onDevice)
		}
		m, err := a.Metrics()
		if err != nil {
			t.Fatal(err)
		}
		more, err := a.Extended()
		if err != nil {
			t.Fatal(err)
		}
		got[i] = []metric.Metrics{m, more}
	}
	if !reflect.DeepEqual(got[0], got[1]) {
		t.Errorf("on slices %v\non the device %v", got[0], got[1])
	}
}

// TestNaNEmbeddings names the set and the first row.
func TestNaNEmbeddings(t *testing.T) {
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	m := brightness(t, d)
	forward := m.Forward
	m.Forward = func(c *nn.Context, x *Node) method.Outputs {
		out := forward(c, x)
		row := Iota(x.Graph(), out.Embedding.Shape(), 0)
		out.Embedding = Add(out.Embedding, Log(Sub(Scalar(x.Graph(), dtypes.Float32, 6.5), row)))
		return out
	}
	e, err := New(m, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = e.DownstreamColumns(t.Context(), []data.Dataset{mini(t, "soft/mini-blend")})
	if err == nil || !strings.Contains(err.Error(), "data set soft/mini-blend: the embedding of image 7 contains NaN") {
		t.Errorf("error %v", err)
	}
}

// TestAverages leaves out what has no mean, and says where a NaN comes from.
func TestAverages(t *testing.T) {
	sets := []data.Dataset{mini(t, "soft/mini-blend"), mini(t, "repr/mini-garments")}
	each := []metric.Metrics{
		{{Name: "r1", Value: 1}, {Name: "r1_low", Value: 0.9}, {Name: "knn5", Value: 0.5}, {Name: "knn100", Value: 0.2}, {Name: "auroc_correct", Value: 0.7}},
		{{Name: "r1", Value: 0.5}, {Name: "r1_low", Value: 0.4}, {Name: "knn5", Value: 0.25}, {Name: "auroc_correct", Value: math.NaN(), Note: "all 9 rows are right"}},
	}
	columns, err := FlatColumns("m", sets, each)
	if err != nil {
		t.Fatal(err)
	}
	got := columns[len(columns)-3:]
	if got[0].Name != "avg_downstream_r1" || got[0].Value != 0.75 || got[1].Name != "avg_downstream_knn5" || got[1].Value != 0.375 ||
		got[2].Name != "avg_downstream_auroc_correct" || got[2].Note != "it is NaN for repr/mini-garments" {
		t.Errorf("averages %+v", got)
	}
}
