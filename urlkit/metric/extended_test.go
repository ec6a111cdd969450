package metric

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestAUGRCIsRankStatistic compares with the closed form of Traub et al. 2024,
// equation 7: (1 - AUROC) acc (1 - acc) + (1 - acc)^2 / 2.
func TestAUGRCIsRankStatistic(t *testing.T) {
	for seed := range uint64(10) {
		unc, correct := draw(seed, 200)
		auroc, err := RAUROC(unc, correct)
		if err != nil {
			t.Fatal(err)
		}
		acc := share(correct)
		want := (1-auroc)*acc*(1-acc) + (1-acc)*(1-acc)/2
		if got, err := AUGRC(unc, correct); err != nil || math.Abs(got-want) > 1e-14 {
			t.Errorf("seed %d: %v, %v, want %v", seed, got, err, want)
		}
	}
}

// TestAURCIsTheMeanRisk compares with the mean over k of the risk of the k surest
// rows, itself averaged over all orders of the tied rows.
func TestAURCIsTheMeanRisk(t *testing.T) {
	unc := []float64{0.3, 0.1, 0.3, 0.2, 0.3, 0.2}
	correct := []bool{true, true, false, false, false, true}
	total, orders := 0.0, 0
	var walk func(order []int)
	walk = func(order []int) {
		if len(order) == len(unc) {
			orders++
			wrong := 0
			for k, i := range order {
				if !correct[i] {
					wrong++
				}
				total += float64(wrong) / float64(k+1) / float64(len(order))
			}
			return
		}
		for i := range unc {
			if !slices.Contains(order, i) && (len(order) == 0 || unc[order[len(order)-1]] <= unc[i]) {
				least := true
				for j := range unc {
					least = least && (slices.Contains(order, j) || unc[j] >= unc[i])
				}
				if least {
					walk(append(slices.Clone(order), i))
				}
			}
		}
	}
	walk(nil)
	if orders != 12 {
		t.Fatalf("%d orders, want 1! 2! 3!", orders)
	}
	if got, err := AURC(unc, correct); err != nil || math.Abs(got-total/12) > 1e-15 {
		t.Errorf("%v, %v, want %v", got, err, total/12)
	}
	// Perfect order, no ties: risks 0, 0, 1/3, 2/4.
	if got, err := AURC([]float64{1, 2, 3, 4}, []bool{true, true, false, false}); err != nil || math.Abs(got-(1./3+0.5)/4) > 1e-15 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAbstentionCurve(t *testing.T) {
	got, err := AbstentionCurve([]float64{1, 2, 2, 3}, []bool{true, true, false, false})
	want := []Point{{0.25, 0}, {0.75, 1. / 3}, {1, 0.5}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestOODAUROC(t *testing.T) {
	got, err := OODAUROC([]float64{1, 2, 3}, []float64{3, 4})
	if want := 5.5 / 6; err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := OODAUROC(nil, []float64{1}); err == nil {
		t.Error("no upstream rows: no error")
	}
}

func TestECEByHand(t *testing.T) {
	// Two bins: (0, 0.5] holds 0.4 and 0.5, (0.5, 1] holds 0.9, 0.8 and 0.7.
	got, err := ECE([]float64{0.4, 0.5, 0.9, 0.8, 0.7}, []bool{true, false, true, true, false}, 2)
	want := 0.4*math.Abs(0.5-0.45) + 0.6*math.Abs(2./3-0.8)
	if err != nil || math.Abs(got-want) > 1e-15 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, p := range []float64{0, 1} {
		if got, err := ECE([]float64{p}, []bool{p == 1}, 15); err != nil || got != 0 {
			t.Errorf("ECE of certainty %v: %v, %v", p, got, err)
		}
	}
	if _, err := ECE([]float64{1.5}, []bool{true}, 15); err == nil {
		t.Error("a confidence of 1.5: no error")
	}
}

// TestCalibratedModelHasSmallECE draws outcomes with the stated probabilities.
func TestCalibratedModelHasSmallECE(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	const n = 40000
	p, ok := make([]float64, n), make([]bool, n)
	for i := range p {
		p[i] = r.Float64()
		ok[i] = r.Float64() < p[i]
	}
	// Of 15 bins, each deviates by about sqrt(1/6 / (n/15)) sqrt(2/pi) = 0.006.
	if got, err := ECE(p, ok, 15); err != nil || got > 0.015 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBrierByHand(t *testing.T) {
	// Softmax of (log 3, 0) is (3/4, 1/4).
	logits := []float64{math.Log(3), 0, math.Log(3), 0}
	got, err := Brier(logits, 2, []int{0, 1})
	if want := (2./16 + 18./16) / 2; err != nil || math.Abs(got-want) > 1e-15 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	confidence, correct, err := Confidences(logits, 2, []int{0, 1})
	if err != nil || math.Abs(confidence[1]-0.75) > 1e-15 || !correct[0] || correct[1] {
		t.Errorf("%v, %v, %v", confidence, correct, err)
	}
	if _, err := Brier(logits, 2, []int{0, 2}); err == nil {
		t.Error("a label beyond the classes: no error")
	}
}

// TestBootstrapMatchesDeLong compares the intervals' widths with the standard
// errors of DeLong, DeLong and Clarke-Pearson 1988 and of the binomial.
func TestBootstrapMatchesDeLong(t *testing.T) {
	const n = 1500
	r := rand.New(rand.NewPCG(5, 6))
	unc, correct := make([]float64, n), make([]bool, n)
	for i := range unc {
		correct[i] = r.Float64() < 0.4
		unc[i] = r.NormFloat64()
		if !correct[i] {
			unc[i] += 0.7
		}
		unc[i] = math.Round(unc[i]*20) / 20
	}
	auroc, err := RAUROC(unc, correct)
	if err != nil {
		t.Fatal(err)
	}
	r1, rauroc, err := Bootstrap(unc, correct, 2000, 0.95, 3)
	if err != nil {
		t.Fatal(err)
	}
	// DeLong: the variance of each row's share of pairs won, right and wrong rows apart.
	var rights, wrongs []float64
	for i := range unc {
		won, of := 0.0, 0.0
		for j := range unc {
			if correct[i] == correct[j] {
				continue
			}
			of++
			switch lower := unc[i] < unc[j]; {
			case unc[i] == unc[j]:
				won += 0.5
			case lower == correct[i]:
				won++
			}
		}
		if correct[i] {
			rights = append(rights, won/of)
		} else {
			wrongs = append(wrongs, won/of)
		}
	}
	variance := func(x []float64) float64 {
		m := mean(len(x), func(i int) float64 { return x[i] })
		return mean(len(x), func(i int) float64 { return (x[i] - m) * (x[i] - m) }) / float64(len(x))
	}
	for _, c := range []struct {
		name      string
		i         Interval
		centre, s float64
	}{
		{"R-AUROC", rauroc, auroc, math.Sqrt(variance(rights) + variance(wrongs))},
		{"R@1", r1, share(correct), math.Sqrt(share(correct) * (1 - share(correct)) / n)},
	} {
		if low := c.centre - 1.96*c.s; math.Abs(c.i.Low-low) > 0.25*c.s {
			t.Errorf("%s: lower end %v, want about %v (standard error %v)", c.name, c.i.Low, low, c.s)
		}
		if high := c.centre + 1.96*c.s; math.Abs(c.i.High-high) > 0.25*c.s {
			t.Errorf("%s: upper end %v, want about %v (standard error %v)", c.name, c.i.High, high, c.s)
		}
	}
	again, _, err := Bootstrap(unc, correct, 2000, 0.95, 3)
	if err != nil || again != r1 {
		t.Errorf("the same seed gives %v and %v, %v", r1, again, err)
	}
}

func TestKNN(t *testing.T) {
	rows, _, labels := cloud(7, 120, 5, 4)
	var flat []float32
	for _, row := range rows {
		for _, v := range row {
			flat = append(flat, float32(v))
		}
	}
	got, err := KNN(flat, 5, labels, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	r1, err := RecallAtK(flat, 5, labels, 1)
	if err != nil || got[0] != r1[0] {
		t.Errorf("k-NN at 1 is %v, R@1 is %v, %v", got[0], r1, err)
	}
	// The vote of five, counted from all similarities.
	s := Samples{Features: flat, Dim: 5}
	hits := 0
	for i := range labels {
		order := make([]int, 0, len(labels))
		for j := range labels {
			if j != i {
				order = append(order, j)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if cosine(s, i, a) > cosine(s, i, b) {
				return -1
			}
			return 1
		})
		votes := make([]int, 4)
		for _, j := range order[:5] {
			votes[labels[j]]++
		}
		high := slices.Max(votes)
		for _, j := range order {
			if votes[labels[j]] == high {
				if labels[j] == labels[i] {
					hits++
				}
				break
			}
		}
	}
	if want := float64(hits) / float64(len(labels)); got[1] != want {
		t.Errorf("k-NN at 5 is %v, want %v", got[1], want)
	}
}

func TestExtended(t *testing.T) {
	rows, unc, labels := cloud(8, 150, 6, 5)
	s := Samples{Dim: 6, Labels: labels, Classes: 6}
	for i, row := range rows {
		for _, v := range row {
			s.Features = append(s.Features, float32(v))
		}
		s.Uncertainty = append(s.Uncertainty, float32(unc[i]))
	}
	s.Logits = s.Features
	s.Upstream = []float32{-1, 0, float32(math.Inf(1))}
	m, err := Extended(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Dictionary(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"r1", "auroc_correct"} {
		v, low, high := get(t, d, name), get(t, m, name+"_low"), get(t, m, name+"_high")
		if !(low < v && v < high) {
			t.Errorf("%s is %v, its interval %v to %v", name, v, low, high)
		}
	}
	for _, name := range []string{"aurc", "augrc", "knn5", "knn20", "knn100", "ece", "brier"} {
		if v := get(t, m, name); !(v > 0 && v < 2) {
			t.Errorf("%s is %v", name, v)
		}
	}
	if v, want := get(t, m, "ood_auroc"), 2./3; v != want {
		t.Errorf("ood_auroc is %v, want %v: all rows lie between", v, want)
	}
	if m, err = Extended(Samples{Features: s.Features, Dim: 6, Labels: labels, Uncertainty: s.Uncertainty, Logits: s.Logits, Classes: 2}, Options{}); err != nil || len(m) != 9 {
		t.Errorf("without upstream and with labels that are no classes: %v, %v", m, err)
	}
	s.Uncertainty[3] = float32(math.NaN())
	if m, err = Extended(s, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, x := range m {
		reached := x.Name != "ece" && x.Name != "brier" && !strings.HasPrefix(x.Name, "r1_") && !strings.HasPrefix(x.Name, "knn")
		if got := math.IsNaN(x.Value) && x.Note == "the uncertainty of row 3 is NaN"; got != reached {
			t.Errorf("one uncertainty is NaN: %s is %v (%s)", x.Name, x.Value, x.Note)
		}
	}
}
