package metric

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"urlbench/urlkit/retrieve"
)

// draw returns n uncertainties with ties, correctness flags and embeddings with labels.
func draw(seed uint64, n int) (unc []float64, correct []bool) {
	r := rand.New(rand.NewPCG(seed, 7))
	for range n {
		u := r.NormFloat64()
		if r.IntN(3) == 0 {
			u = math.Round(u)
		}
		unc = append(unc, u)
		correct = append(correct, r.Float64() < 0.3)
	}
	return unc, correct
}

func mean(n int, f func(i int) float64) float64 {
	sum := 0.0
	for i := range n {
		sum += f(i)
	}
	return sum / float64(n)
}

func TestAUROCByHand(t *testing.T) {
	for _, c := range []struct {
		score    []float64
		positive []bool
		want     float64
	}{
		{[]float64{1, 2, 3, 4}, []bool{false, false, true, true}, 1},
		{[]float64{1, 2, 3, 4}, []bool{true, true, false, false}, 0},
		{[]float64{1, 1}, []bool{true, false}, 0.5},
		{[]float64{1, 2, 2, 3}, []bool{false, true, false, true}, 3.5 / 4},
		{[]float64{math.Inf(-1), 0, math.Inf(1)}, []bool{false, true, true}, 1},
	} {
		if got, err := AUROC(c.score, c.positive); err != nil || got != c.want {
			t.Errorf("AUROC(%v, %v) = %v, %v, want %v", c.score, c.positive, got, err, c.want)
		}
	}
}

// TestAUROCCountsPairs compares with the definition, pair by pair.
func TestAUROCCountsPairs(t *testing.T) {
	for seed := range uint64(20) {
		unc, correct := draw(seed, 90)
		pairs, total := 0.0, 0.0
		for i := range unc {
			for j := range unc {
				if correct[i] && !correct[j] {
					total++
					switch {
					case unc[i] < unc[j]:
						pairs++
					case unc[i] == unc[j]:
						pairs += 0.5
					}
				}
			}
		}
		if got, err := RAUROC(unc, correct); err != nil || got != pairs/total {
			t.Errorf("seed %d: %v, %v, want %v", seed, got, err, pairs/total)
		}
	}
}

// TestMonotoneMaps checks that ranks are all that counts, and that flipping the
// score or the labels mirrors the area.
func TestMonotoneMaps(t *testing.T) {
	maps := map[string]func(float64) float64{
		"exp": math.Exp, "cube": func(v float64) float64 { return v * v * v }, "affine": func(v float64) float64 { return 8*v + 1 },
		"atan": math.Atan,
	}
	unc, correct := draw(1, 400)
	other, _ := draw(2, 400)
	auroc, err := RAUROC(unc, correct)
	if err != nil {
		t.Fatal(err)
	}
	rho, err := Spearman(unc, other)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range maps {
		mapped := make([]float64, len(unc))
		for i, u := range unc {
			mapped[i] = f(u)
		}
		if got, err := RAUROC(mapped, correct); err != nil || got != auroc {
			t.Errorf("%s: R-AUROC %v, %v, want %v", name, got, err, auroc)
		}
		if got, err := Spearman(mapped, other); err != nil || got != rho {
			t.Errorf("%s: Spearman %v, %v, want %v", name, got, err, rho)
		}
		if got, err := Spearman(negated(mapped), other); err != nil || got != -rho {
			t.Errorf("%s: Spearman of the negative %v, %v, want %v", name, got, err, -rho)
		}
	}
	if got, err := RAUROC(negated(unc), correct); err != nil || math.Abs(got-(1-auroc)) > 1e-15 {
		t.Errorf("R-AUROC of the negative %v, %v, want %v", got, err, 1-auroc)
	}
}

func TestPermutations(t *testing.T) {
	unc, correct := draw(3, 300)
	other, _ := draw(4, 300)
	auroc, _ := RAUROC(unc, correct)
	original, _ := RAUROCOriginal(unc, correct)
	rho, _ := Spearman(unc, other)
	u, c, o := make([]float64, 300), make([]bool, 300), make([]float64, 300)
	for to, from := range rand.New(rand.NewPCG(9, 9)).Perm(300) {
		u[to], c[to], o[to] = unc[from], correct[from], other[from]
	}
	if got, err := RAUROC(u, c); err != nil || got != auroc {
		t.Errorf("R-AUROC %v, %v, want %v", got, err, auroc)
	}
	if got, err := RAUROCOriginal(u, c); err != nil || got != original {
		t.Errorf("the original's R-AUROC %v, %v, want %v", got, err, original)
	}
	if got, err := Spearman(u, o); err != nil || got != rho {
		t.Errorf("Spearman %v, %v, want %v", got, err, rho)
	}
}

// TestSpearmanIsPearsonOfRanks recomputes it by counting.
func TestSpearmanIsPearsonOfRanks(t *testing.T) {
	a, _ := draw(5, 120)
	b, _ := draw(6, 120)
	ranks := func(x []float64) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			for _, w := range x {
				if w < v {
					out[i]++
				} else if w == v {
					out[i] += 0.5
				}
			}
		}
		return out
	}
	x, y := ranks(a), ranks(b)
	mx, my := mean(120, func(i int) float64 { return x[i] }), mean(120, func(i int) float64 { return y[i] })
	cov := mean(120, func(i int) float64 { return (x[i] - mx) * (y[i] - my) })
	vx := mean(120, func(i int) float64 { return (x[i] - mx) * (x[i] - mx) })
	vy := mean(120, func(i int) float64 { return (y[i] - my) * (y[i] - my) })
	want := cov / math.Sqrt(vx*vy)
	if got, err := Spearman(a, b); err != nil || math.Abs(got-want) > 1e-14 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// TestOriginalSaturates shows why the exact value is printed beside it.
func TestOriginalSaturates(t *testing.T) {
	unc := []float64{150, 151, 152, 153}
	correct := []bool{true, true, false, false}
	if got, err := RAUROCOriginal(unc, correct); err != nil || got != 0.5 {
		t.Errorf("the original prints %v, %v, want exactly 0.5", got, err)
	}
	if got, err := RAUROC(unc, correct); err != nil || got != 1 {
		t.Errorf("the exact value is %v, %v, want 1", got, err)
	}
}

func TestUndefined(t *testing.T) {
	same := []float64{1, 1, 1}
	for name, f := range map[string]func() (float64, error){
		"all right":      func() (float64, error) { return RAUROC(same, []bool{true, true, true}) },
		"all wrong":      func() (float64, error) { return RAUROC(same, []bool{false, false, false}) },
		"all positive":   func() (float64, error) { return AUROC(same, []bool{true, true, true}) },
		"all negative":   func() (float64, error) { return AUROC(same, []bool{false, false, false}) },
		"constant left":  func() (float64, error) { return Spearman(same, []float64{1, 2, 3}) },
		"constant right": func() (float64, error) { return Spearman([]float64{1, 2, 3}, same) },
		"a NaN":          func() (float64, error) { return Spearman([]float64{1, math.NaN(), 3}, []float64{1, 2, 3}) },
		"no votes":       func() (float64, error) { return EntropyCorrelation(same, []float64{1, math.NaN(), math.NaN()}) },
	} {
		v, err := f()
		var why Undefined
		if !math.IsNaN(v) || !errors.As(err, &why) || why == "" {
			t.Errorf("%s: %v, %v, want NaN and a reason", name, v, err)
		}
	}
}

func TestEntropies(t *testing.T) {
	got, err := Entropies([]float64{
		1, 1, 0,
		0, 7, 7, // the same distribution, other classes and number of votes
		3, 0, 0,
		0, 0, 0,
		1, 2, 5,
		5, 1, 2,
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	h := -(0.125*math.Log(0.125) + 0.25*math.Log(0.25) + 0.625*math.Log(0.625))
	for i, want := range []float64{math.Ln2, math.Ln2, 0, math.NaN(), h, h} {
		if math.Abs(got[i]-want) > 1e-15 || math.IsNaN(got[i]) != math.IsNaN(want) {
			t.Errorf("row %d: %v, want %v", i, got[i], want)
		}
	}
	if got[0] != got[1] || got[4] != got[5] {
		t.Error("equal distributions have different entropies")
	}
}

func TestTopK(t *testing.T) {
	logits := []float32{
		3, 2, 1,
		1, 1, 1,
		1, 2, 3,
	}
	for _, c := range []struct {
		labels []int
		k      int
		want   float64
	}{
		{[]int{0, 0, 2}, 1, 1},
		{[]int{1, 1, 1}, 1, 0},
		{[]int{1, 1, 1}, 2, 1}, // of equal logits the lower class comes first
		{[]int{2, 2, 0}, 2, 0},
		{[]int{2, 2, 0}, 5, 1},
		{[]int{7, -1, 2}, 5, 1. / 3},
	} {
		if got, err := TopK(logits, 3, c.labels, c.k); err != nil || got != c.want {
			t.Errorf("TopK(%v, %d) = %v, %v, want %v", c.labels, c.k, got, err, c.want)
		}
	}
}

// cloud draws clustered embeddings in dim dimensions with their labels.
func cloud(seed uint64, n, dim, classes int) (rows [][]float64, unc []float64, labels []int) {
	r := rand.New(rand.NewPCG(seed, 11))
	centres := make([][]float64, classes)
	for c := range centres {
		for range dim {
			centres[c] = append(centres[c], r.NormFloat64())
		}
	}
	for i := range n {
		label := i % classes
		row := make([]float64, dim)
		for d := range row {
			row[d] = centres[label][d] + r.NormFloat64()
		}
		rows, labels = append(rows, row), append(labels, label)
		unc = append(unc, r.Float64())
	}
	return rows, unc, labels
}

// TestURLIsInvariant rotates, scales, permutes and relabels.
func TestURLIsInvariant(t *testing.T) {
	const n, dim = 200, 6
	rows, unc, labels := cloud(1, n, dim, 10)
	want, err := URL(rows, unc, labels)
	if err != nil {
		t.Fatal(err)
	}
	if want.R1 < 0.2 || want.R1 > 0.9 {
		t.Fatalf("R@1 %v of the test's embeddings says little", want.R1)
	}
	same := func(name string, rows [][]float64, unc []float64, labels []int) {
		t.Helper()
		got, err := URL(rows, unc, labels)
		if err != nil {
			t.Fatal(err)
		}
		if got.R1 != want.R1 || got.RAUROC != want.RAUROC {
			t.Errorf("%s: %v and %v, want %v and %v", name, got.R1, got.RAUROC, want.R1, want.RAUROC)
		}
	}
	// A product of plane rotations, and a length of its own for every row.
	r := rand.New(rand.NewPCG(2, 2))
	rotated := make([][]float64, n)
	for i := range rows {
		rotated[i] = slices.Clone(rows[i])
	}
	for range 20 {
		a, b, angle := r.IntN(dim), r.IntN(dim), r.Float64()*6
		if a == b {
			continue
		}
		for _, x := range rotated {
			x[a], x[b] = math.Cos(angle)*x[a]-math.Sin(angle)*x[b], math.Sin(angle)*x[a]+math.Cos(angle)*x[b]
		}
	}
	same("rotated", rotated, unc, labels)
	for _, x := range rotated {
		scale := math.Exp(4 * r.NormFloat64())
		for d := range x {
			x[d] *= scale
		}
	}
	same("rotated and scaled", rotated, unc, labels)
	relabelled := make([]int, n)
	for i, l := range labels {
		relabelled[i] = 1000 - 7*l
	}
	same("relabelled", rows, unc, relabelled)
	var pr [][]float64
	var pu []float64
	var pl []int
	for _, i := range r.Perm(n) {
		pr, pu, pl = append(pr, rows[i]), append(pu, unc[i]), append(pl, labels[i])
	}
	same("permuted", pr, pu, pl)
}

func TestURLErrors(t *testing.T) {
	nan := math.NaN()
	good := [][]float64{{1, 0}, {0, 1}, {1, 1}}
	for _, c := range []struct {
		rows   [][]float64
		unc    []float64
		labels []int
		want   string
	}{
		{nil, nil, nil, "embeddings: empty"},
		{[][]float64{{}, {}}, []float64{1, 2}, []int{1, 2}, "embeddings: empty"},
		{[][]float64{{1}}, []float64{1}, []int{1}, "embeddings: 1 row"},
		{[][]float64{{1, 0}, {1}}, []float64{1, 2}, []int{1, 2}, "embeddings, row 1: 1 values"},
		{[][]float64{{1, 0}, {1, nan}}, []float64{1, 2}, []int{1, 2}, "embeddings, row 1: NaN at column 1"},
		{[][]float64{{1, 0}, {math.Inf(-1), 1}}, []float64{1, 2}, []int{1, 2}, "embeddings, row 1: -Inf at column 0"},
		{[][]float64{{1, 0}, {1e300, 1}}, []float64{1, 2}, []int{1, 2}, "beyond float32"},
		{[][]float64{{0, 0}, {0, 0}}, []float64{1, 2}, []int{1, 2}, "2 of 2 rows are all zeros"},
		{good, []float64{1, 2}, []int{1, 2, 3}, "uncertainties: 2 rows, but 3 embeddings"},
		{good, nil, []int{1, 2, 3}, "uncertainties: empty"},
		{good, []float64{1, 2, 3}, []int{1, 2}, "labels: 2 rows, but 3 embeddings"},
		{good, []float64{1, 2, 3}, nil, "labels: empty"},
		{good, []float64{1, nan, 3}, []int{1, 2, 3}, "uncertainties, row 1: NaN"},
	} {
		if _, err := URL(c.rows, c.unc, c.labels); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("URL(%v, %v, %v): error %v, want one with %q", c.rows, c.unc, c.labels, err, c.want)
		}
	}
}

func TestRecallAtK(t *testing.T) {
	// Angles of 0, 10, 20 and 90 degrees.
	var x []float32
	for _, a := range []float64{0, 10, 20, 90} {
		x = append(x, float32(math.Cos(a*math.Pi/180)), float32(math.Sin(a*math.Pi/180)))
	}
	got, err := RecallAtK(x, 2, []int{1, 2, 1, 2}, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	// Nearest of each: 1, 0 (tie with 2), 1, 2; only row 3's second is its class,
	// rows 0 and 2 find each other second, row 1 finds row 3 third.
	if want := []float64{0, 0.75, 1}; !slices.Equal(got, want) {
		t.Errorf("R@1, 2, 3 = %v, want %v", got, want)
	}
	if _, err := RecallAtK(x, 2, []int{1, 2, 1, 2}, 4); err == nil {
		t.Error("R@4 of 4 rows: no error")
	}
}

// TestDictionaryUsesTheGivenSearch plugs in a search that answers row 0 always.
func TestDictionaryUsesTheGivenSearch(t *testing.T) {
	s := Samples{Features: []float32{1, 2, 3, 4}, Dim: 1, Uncertainty: []float32{1, 2, 3, 4}, Labels: []int{7, 7, 8, 8}}
	m, err := Dictionary(s, Options{Search: func(x []float32, dim, k int) (*retrieve.Hits, error) {
		return &retrieve.Hits{K: k, Index: make([]int32, k*len(x)/dim), Similarity: make([]float32, k*len(x)/dim)}, nil
	}})
	if err != nil || get(t, m, "r1") != 0.5 || get(t, m, "auroc_correct") != 1 {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := Dictionary(s, Options{Search: func([]float32, int, int) (*retrieve.Hits, error) { return &retrieve.Hits{K: 1}, nil }}); err == nil {
		t.Error("a search that answers too little: no error")
	}
}

func TestRounded(t *testing.T) {
	m := Metrics{{Name: "repr/cub_r1", Value: 1. / 160}, {Name: "top1", Value: 1. / 160}, {Name: "a_min_unc", Value: 1. / 3},
		{Name: "rcorr_entropy", Value: math.NaN()}, {Name: "mixed_r1x", Value: 1. / 3}}.Rounded()
	for i, want := range []float64{0.0062, 0.0063, 1. / 3, math.NaN(), 1. / 3} {
		if got := m[i].Value; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s is rounded to %v, want %v", m[i].Name, got, want)
		}
	}
}

func TestMetricsJSON(t *testing.T) {
	data, err := json.Marshal(Metrics{{Name: "z", Value: 1.5}, {Name: "a", Value: math.NaN()}, {Name: "i", Value: math.Inf(-1)}, {Name: "s", Value: 1e-9}})
	if want := `{"z":1.5,"a":null,"i":"-Infinity","s":1e-09}`; err != nil || string(data) != want {
		t.Errorf("%s, %v, want %s", data, err, want)
	}
}
