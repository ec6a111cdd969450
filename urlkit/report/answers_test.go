package report

import (
	"math"
	"testing"

	"urlbench/data"
	"urlbench/data/pixel"
	"urlbench/urlkit"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/results"
	"urlbench/urlkit/retrieve"
)

// pixelAnswers judges the first n photos of an embedded set by their own pixels, with
// an uncertainty of their contrast: a model without weights.
func pixelAnswers(t *testing.T, name string, n int) *urlkit.Answers {
	t.Helper()
	set, err := data.Open(name, "test", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Every k-th photo, as the classes stand one after the other.
	step := set.Len() / n
	some := &part{Dataset: set}
	a := &urlkit.Answers{Answers: &evaluate.Answers{Set: some}}
	s := &a.Samples
	for k := range n {
		i := k * step
		some.index = append(some.index, i)
		img, err := urlkit.Picture(set, i)
		if err != nil {
			t.Fatal(err)
		}
		b := img.Bounds()
		var sum, squares float64
		for y := b.Min.Y; y < b.Max.Y; y += 2 {
			for x := b.Min.X; x < b.Max.X; x += 2 {
				r, _, _, _ := img.At(x, y).RGBA()
				v := float64(r) / 65535
				sum, squares = sum+v, squares+v*v
				s.Features = append(s.Features, float32(v))
			}
		}
		s.Dim = len(s.Features) / (k + 1)
		mean := sum / float64(s.Dim)
		s.Uncertainty = append(s.Uncertainty, float32(math.Pow(10, -20*(squares/float64(s.Dim)-mean*mean))))
		s.Cropped = append(s.Cropped, s.Uncertainty[k]*float32(1+k%3)/2)
		s.Labels = append(s.Labels, set.Label(i))
		if votes := set.Soft(i); votes != nil {
			s.Soft, s.SoftClasses = append(s.Soft, votes...), len(votes)
		}
	}
	hits, err := retrieve.Cosine(s.Features, s.Dim, 1, retrieve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a.Similarity = hits.Similarity
	for i, j := range hits.Index {
		a.Neighbour = append(a.Neighbour, int(j))
		a.Correct = append(a.Correct, s.Labels[i] == s.Labels[j])
	}
	return a
}

// part is some images of a set.
type part struct {
	data.Dataset
	index []int
}

func (p *part) Len() int             { return len(p.index) }
func (p *part) Label(i int) int      { return p.Dataset.Label(p.index[i]) }
func (p *part) ID(i int) string      { return p.Dataset.ID(p.index[i]) }
func (p *part) Soft(i int) []float64 { return p.Dataset.Soft(p.index[i]) }
func (p *part) Image(i int) (*pixel.Image, error) {
	return p.Dataset.Image(p.index[i])
}

// entries are two runs on three sets; the second run's uncertainty on the last set
// is broken.
func entries(t *testing.T) []Entry {
	t.Helper()
	run := func(name, method string) results.Run {
		return results.Run{Name: name, Method: method, Backbone: "convnet", Data: "mini", Source: results.Own,
			Config:  map[string]string{"seed": "1", "epochs": "3"},
			Metrics: map[string]float64{meanR1: 0.8, meanRAUROC: 0.61, "best_eval_avg_downstream_r1": 0.8}}
	}
	sets := []string{"repr/mini-garments", "repr/mini-turned", "soft/mini-blend"}
	var out []Entry
	for _, r := range []results.Run{run("elk-mini-1", "ELK"), run("a run <b>&amp; its name", "CE")} {
		e := Entry{Result: r, Dir: "runs/" + r.Name, Settings: "loss: elk\nmodel: convnet\n# <script>alert(1)</script>\n", Compute: "a test"}
		for i, name := range sets {
			a := pixelAnswers(t, name, 60)
			if i == 2 {
				if len(out) == 1 {
					a.Samples.Uncertainty[7] = float32(math.NaN())
				}
				e.Further = append(e.Further, a)
			} else {
				e.Test = append(e.Test, a)
			}
		}
		out = append(out, e)
	}
	return out
}

// judged makes answers of plain numbers, without images.
func judged(t *testing.T, unc []float32, correct []bool) *urlkit.Answers {
	t.Helper()
	set, err := data.Open("repr/mini-garments", "test", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &urlkit.Answers{Answers: &evaluate.Answers{Set: set, Samples: metric.Samples{Uncertainty: unc, Labels: make([]int, len(unc))}}, Correct: correct}
}
