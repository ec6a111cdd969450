package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"urlbench/internal/fixture"
	"urlbench/safetensors"
	"urlbench/urlkit/retrieve"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "metric")) }

const backend = "slices"

// fourDecimals allows for the original's float32 shares per batch, which can
// change the last printed digit.
var fourDecimals = fixture.Abs(1.01e-4)

func TestFixtureMetrics(t *testing.T) {
	for _, rel := range fixture.Glob(t, "math/metrics*.safetensors") {
		for _, c := range fixture.Open(t, rel).Cases() {
			t.Run(c.Name, func(t *testing.T) {
				family := c.Family()
				switch {
				case family == "val":
					checkDictionary(t, c)
				case family == "downstream_avg":
					checkDownstream(t, c)
				case family == "r" && strings.HasPrefix(c.Name, "r1_"):
					checkRecall(t, c)
				case strings.HasPrefix(family, "auroc"):
					checkAUROC(t, c)
				case strings.HasPrefix(family, "spearman"):
					a, b := c.Tensor(t, "in.a").Float64s(), c.Tensor(t, "in.b").Float64s()
					rho, err := Spearman(a, b)
					mustBeDefined(t, rho, err)
					c.Compare(t, "out.rho", backend, []float64{rho}, fixture.Abs(1e-12))
				case strings.HasPrefix(family, "accuracy"):
					checkAccuracy(t, c)
				case strings.HasPrefix(family, "cropped"):
					v, err := CroppedHasBiggerUnc(c.Tensor(t, "in.unc").Float32s(), c.Tensor(t, "in.unc_cropped").Float32s())
					if err != nil {
						t.Fatal(err)
					}
					c.Compare(t, "out.value", backend, []float64{v}, fixture.Rel(1e-6))
				default:
					t.Fatalf("%s: unknown family %q", rel, family)
				}
			})
		}
	}
}

// mustBeDefined fails on an error that isn't the reason for a NaN.
func mustBeDefined(t *testing.T, v float64, err error) {
	t.Helper()
	note, err := reason(err)
	if err != nil {
		t.Fatal(err)
	}
	if math.IsNaN(v) != (note != "") {
		t.Fatalf("value %v with the note %q", v, note)
	}
}

func ints(t *testing.T, x *safetensors.Tensor) []int {
	t.Helper()
	v, err := x.Int64s()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int, len(v))
	for i := range v {
		out[i] = int(v[i])
	}
	return out
}

// samples reads a case's inputs; prefix is "in." or, of one of several sets, "in.a.".
func samples(t *testing.T, c fixture.Case, prefix, cropped, target string) Samples {
	t.Helper()
	features, logits := c.Tensor(t, prefix+"features"), c.Tensor(t, prefix+"logits")
	s := Samples{
		Features: features.Float32s(), Dim: features.Shape[1],
		Logits: logits.Float32s(), Classes: logits.Shape[1],
		Uncertainty:  c.Tensor(t, prefix+"unc").Float32s(),
		Cropped:      c.Tensor(t, prefix+cropped).Float32s(),
		CropFraction: c.Tensor(t, prefix+"center_crop").Float64s(),
	}
	if !c.Has(prefix + target) {
		target = "target_and_soft"
	}
	y := c.Tensor(t, prefix+target)
	columns := 1
	if len(y.Shape) == 2 {
		columns = y.Shape[1]
	}
	for i, v := range ints(t, y) {
		if i%columns == 0 {
			s.Labels = append(s.Labels, v)
		} else {
			s.Soft = append(s.Soft, float64(v))
		}
	}
	s.SoftClasses = columns - 1
	return s
}

func dictionary(t *testing.T, s Samples, o Options) Metrics {
	t.Helper()
	m, err := Dictionary(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func get(t *testing.T, m Metrics, name string) float64 {
	t.Helper()
	v, ok := m.Get(name)
	if !ok {
		t.Fatalf("no metric %s", name)
	}
	return v
}

// tolerance of a published value.
func tolerance(name string) fixture.Tolerance {
	switch {
	case hasName(name, "min_unc", "max_unc", "avg_unc"):
		return fixture.Tolerance{Rel: 1e-6, Abs: 1e-7}
	case hasName(name, "rcorr_entropy"):
		return fixture.Abs(5e-3) // the original's float32 entropies part equal ones
	}
	return fourDecimals
}

// published is the name under which the original publishes a metric of ours:
// its auroc_correct is our auroc_correct_original.
func published(name string) string { return strings.TrimSuffix(name, "_original") }

func checkDictionary(t *testing.T, c fixture.Case) {
	s := samples(t, c, "in.", "unc_cropped", "target")
	exact := dictionary(t, s, Options{SecondHit: true})
	for _, m := range exact.Rounded() {
		if m.Name != "auroc_correct" {
			c.Compare(t, "out."+published(m.Name), backend, []float64{m.Value}, tolerance(m.Name))
		}
	}
	for name, out := range map[string]string{"r1": "r1", "rcorr_crop_unc": "rcorr_crop", "auroc_correct_original": "auroc"} {
		c.Compare(t, "out."+out+"_unrounded", backend, []float64{get(t, exact, name)}, fixture.Abs(1e-6))
	}
	correct := make([]bool, len(s.Labels))
	for i, v := range ints(t, c.Tensor(t, "out.r1_correct")) {
		correct[i] = v != 0
	}
	checkNeighbours(t, c, s)
	checkScores(t, c, negated(s.Uncertainty), correct)
	if c.Has("out.gt_entropy") {
		h, err := Entropies(s.Soft, s.SoftClasses)
		if err != nil {
			t.Fatal(err)
		}
		c.Compare(t, "out.gt_entropy", backend, h, fixture.Abs(2e-6))
		rho, err := EntropyCorrelation(s.Uncertainty, c.Tensor(t, "out.gt_entropy").Float64s())
		mustBeDefined(t, rho, err)
		c.Compare(t, "out.rcorr_entropy_unrounded", backend, []float64{rho}, fixture.Abs(1e-9))
	}
	if duplicates(s) {
		return
	}
	// Without equal rows the rule that leaves out the query agrees.
	ours := dictionary(t, s, Options{})
	c.CompareTo(t, "r1 without the query", backend, []float64{get(t, ours, "r1")}, []float64{get(t, exact, "r1")}, fixture.Abs(0))
}

// checkNeighbours compares the neighbours by what they were chosen for: their
// similarity, as float32 rounding may swap near ties.
func checkNeighbours(t *testing.T, c fixture.Case, s Samples) {
	t.Helper()
	got, err := retrieve.SecondHit(s.Features, s.Dim, retrieve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := ints(t, c.Tensor(t, "out.neighbours"))
	var a, b []float64
	for i, j := range got {
		a = append(a, cosine(s, i, int(j)))
		b = append(b, cosine(s, i, want[2*i+1]))
	}
	c.CompareTo(t, "similarity of out.neighbours", backend, a, b, fixture.Abs(1e-6))
}

func cosine(s Samples, i, j int) float64 {
	var xx, yy, xy float64
	for d := range s.Dim {
		x, y := float64(s.Features[i*s.Dim+d]), float64(s.Features[j*s.Dim+d])
		xx, yy, xy = xx+x*x, yy+y*y, xy+x*y
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// checkScores compares the scores that the original ranks, its AUROC and the one
// without the squashing.
func checkScores(t *testing.T, c fixture.Case, score []float32, positive []bool) {
	t.Helper()
	if c.Has("out.score_used") {
		var used []float64
		for _, v := range squash(score) {
			used = append(used, float64(v))
		}
		c.Compare(t, "out.score_used", backend, used, fixture.Rel(2.5e-7))
	}
	if !c.Has("out.auroc_exact_ranks") {
		return
	}
	exact, err := AUROC(score, positive)
	mustBeDefined(t, exact, err)
	want := c.Tensor(t, "out.auroc_exact_ranks").Float64s()
	if p := count(positive); p == 0 || p == len(positive) {
		want = []float64{math.NaN()} // the original says 0; there is no value
	}
	c.CompareTo(t, "out.auroc_exact_ranks", backend, []float64{exact}, want, fixture.Rel(1e-6))
}

func checkAUROC(t *testing.T, c fixture.Case) {
	score := c.Tensor(t, "in.score").Float32s()
	positive := make([]bool, len(score))
	for i, v := range ints(t, c.Tensor(t, "in.label")) {
		positive[i] = v != 0
	}
	checkScores(t, c, score, positive)
	v, err := AUROCOriginal(score, positive)
	if err != nil {
		t.Fatal(err)
	}
	slack := nanSlack(score, positive)
	c.Compare(t, "out.auroc", backend, []float64{v}, fixture.Abs(1e-6+slack))
}

// nanSlack is how much the original's AUROC of scores with NaNs is open: they come
// first, but in the order that an unstable sort leaves them in, so that the value
// lies between those with the right and with the wrong ones first.
func nanSlack(score []float32, positive []bool) float64 {
	nans, nanPositives := 0, 0
	for i, s := range score {
		if s != s {
			nans++
			nanPositives += map[bool]int{true: 1}[positive[i]]
		}
	}
	p := count(positive)
	return float64(nanPositives) * float64(nans-nanPositives) / math.Max(1, float64(p)*float64(len(positive)-p))
}

func checkRecall(t *testing.T, c fixture.Case) {
	features, labels := c.Tensor(t, "in.features"), ints(t, c.Tensor(t, "in.target"))
	second, err := retrieve.SecondHit(features.Float32s(), features.Shape[1], retrieve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	correct := matches(second, labels)
	var flags []float64
	for _, ok := range correct {
		flags = append(flags, map[bool]float64{true: 1}[ok])
	}
	c.Compare(t, "out.correct", backend, flags, fixture.Abs(0))
	c.Compare(t, "out.r1", backend, []float64{share(correct)}, fixture.Rel(1e-6))
	if !c.Has("out.neighbours") {
		return
	}
	var got, want []float64
	for i, v := range ints(t, c.Tensor(t, "out.neighbours")) {
		if i%2 == 1 {
			got, want = append(got, float64(second[i/2])), append(want, float64(v))
		}
	}
	c.CompareTo(t, "out.neighbours", backend, got, want, fixture.Abs(0))
}

func checkAccuracy(t *testing.T, c fixture.Case) {
	logits, labels := c.Tensor(t, "in.logits"), ints(t, c.Tensor(t, "in.target"))
	for _, k := range []int{1, 5} {
		v, err := TopK(logits.Float32s(), logits.Shape[1], labels, k)
		if err != nil {
			t.Fatal(err)
		}
		c.Compare(t, fmt.Sprintf("out.top%d", k), backend, []float64{100 * v}, fixture.Rel(1e-6))
	}
}

func checkDownstream(t *testing.T, c fixture.Case) {
	var sets []Metrics
	for _, name := range c.Names("in.") {
		set, ok := strings.CutSuffix(strings.TrimPrefix(name, "in."), ".features")
		if !ok {
			continue
		}
		s := samples(t, c, "in."+set+".", "unc_cropped", "target")
		m := dictionary(t, s, Options{SecondHit: true}).Rounded()
		// The original's average is over its own auroc_correct.
		var own Metrics
		for _, x := range m {
			if x.Name != "auroc_correct" {
				own = append(own, Metric{published(x.Name), x.Value, x.Note})
			}
		}
		for _, x := range own.Prefixed(set + "_") {
			c.Compare(t, "out."+x.Name, backend, []float64{x.Value}, tolerance(x.Name))
		}
		sets = append(sets, own)
	}
	average, err := AverageDownstream(sets)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, name := range c.Names("out.avg_downstream_") {
		c.Compare(t, name, backend, []float64{get(t, average, strings.TrimPrefix(name, "out."))}, tolerance(name))
		want++
	}
	if want != len(average) {
		t.Errorf("%d averages, want %d", len(average), want)
	}
}

// TestFixtureEvaluate covers the metrics of data/evaluate: dictionaries from
// given arrays, and the averaging rule.
func TestFixtureEvaluate(t *testing.T) {
	f := fixture.Open(t, "data/evaluate.safetensors")
	var published struct {
		Cases map[string]struct {
			Error   string
			Metrics map[string]any
		}
		Averaging map[string]map[string]any
	}
	readJSON(t, "data/evaluate.json", &published)
	walked := 0
	for _, c := range f.Cases() {
		if !strings.HasPrefix(c.Name, "eval/") {
			continue
		}
		walked++
		want := published.Cases[c.Name]
		t.Run(c.Name, func(t *testing.T) {
			checkEvaluate(t, c, want.Error, want.Metrics)
		})
	}
	if walked == 0 {
		t.Error("no case eval/*")
	}
	t.Run("averaging", func(t *testing.T) { checkAveraging(t, published.Averaging) })
}

func readJSON(t *testing.T, rel string, v any) {
	t.Helper()
	data, err := os.ReadFile(fixture.Path(rel))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
}

// number reads a float of the fixtures' strict JSON; ok is false for integers and text.
func number(v any) (x float64, ok bool) {
	switch v := v.(type) {
	case json.Number:
		x, err := v.Float64()
		return x, err == nil && strings.ContainsAny(v.String(), ".eE")
	case string:
		switch v {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	}
	return 0, false
}

func checkEvaluate(t *testing.T, c fixture.Case, wantError string, want map[string]any) {
	s := samples(t, c, "in.", "unc_c", "target")
	got, err := Dictionary(s, Options{SecondHit: true})
	if wantError != "" {
		fixture.Record(c.File.Rel, c.Name, "error", backend, "an error where the original raises "+wantError, 0, err != nil)
		if err == nil {
			t.Errorf("no error, the original raises %s", wantError)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	// Exact duplicates and zero rows leave float32 ties that faiss's summation
	// parts, and with them whatever follows from the neighbour.
	ties := duplicates(s)
	correct := make([]bool, len(s.Labels))
	for i, v := range c.Tensor(t, "out.r1_correct").Float64s() {
		correct[i] = v != 0
	}
	open := fixture.Abs(fourDecimals.Abs + nanSlack(s.Uncertainty, correct))
	seen := 0
	for _, m := range got.Rounded() {
		value, ok := number(want[published(m.Name)])
		if m.Name == "auroc_correct" {
			continue
		}
		if !ok {
			t.Errorf("the original has no %s", m.Name)
			continue
		}
		seen++
		if ties && hasName(m.Name, "r1", "auroc_correct_original") {
			continue
		}
		tol := tolerance(m.Name)
		if m.Name == "auroc_correct_original" {
			tol = open
		}
		c.CompareTo(t, published(m.Name), backend, []float64{m.Value}, []float64{value}, tol)
	}
	for name, v := range want {
		if _, ok := number(v); ok {
			seen--
		} else if name != "model" {
			t.Errorf("metric %s is %v", name, v)
		}
	}
	if seen != 0 {
		t.Errorf("%d metrics of the original are missing", -seen)
	}
	auroc, err := RAUROCOriginal(s.Uncertainty, correct)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := number(want["auroc_correct"]); ok {
		c.CompareTo(t, "auroc_correct from out.r1_correct", backend, []float64{auroc}, []float64{v}, open)
	}
	if c.Has("out.gt_entropy_not_nan") {
		checkGivenEntropies(t, c, s, want)
	}
}

func checkGivenEntropies(t *testing.T, c fixture.Case, s Samples, want map[string]any) {
	t.Helper()
	h, err := Entropies(s.Soft, s.SoftClasses)
	if err != nil {
		t.Fatal(err)
	}
	given := c.Tensor(t, "out.gt_entropy_not_nan").Float64s()
	var kept []float64
	for i := range h {
		if !math.IsNaN(h[i]) {
			if len(kept) < len(given) {
				h[i], kept = given[len(kept)], append(kept, h[i])
			} else {
				kept = append(kept, h[i])
			}
		}
	}
	c.Compare(t, "out.gt_entropy_not_nan", backend, kept, fixture.Abs(2e-6))
	rho, err := EntropyCorrelation(s.Uncertainty, h)
	mustBeDefined(t, rho, err)
	if v, ok := number(want["rcorr_entropy"]); ok {
		c.CompareTo(t, "rcorr_entropy from out.gt_entropy_not_nan", backend, []float64{rho}, []float64{v}, fourDecimals)
	}
}

// duplicates reports whether two rows point the same way, or two are zero.
func duplicates(s Samples) bool {
	for i := range s.Labels {
		for j := range i {
			zero := true
			for d := range s.Dim {
				zero = zero && s.Features[i*s.Dim+d] == 0 && s.Features[j*s.Dim+d] == 0
			}
			if zero || cosine(s, i, j) > 1-1e-12 {
				return true
			}
		}
	}
	return false
}

func checkAveraging(t *testing.T, rule map[string]map[string]any) {
	inputs := rule["inputs"]
	floats := func(name string) Metrics {
		var m Metrics
		for key, v := range inputs[name].(map[string]any) {
			if x, ok := number(v); ok {
				m = append(m, Metric{Name: key, Value: x})
			}
		}
		return m
	}
	d1, d2 := floats("d1"), floats("d2")
	average, err := AverageDownstream([]Metrics{d1, d2})
	if err != nil {
		t.Fatal(err)
	}
	for key, v := range rule["extra_key_in_second"] {
		if !strings.HasPrefix(key, "avg_downstream_") {
			continue
		}
		want, _ := number(v)
		got := get(t, average, key)
		if diff := math.Abs(got - want); diff > 1e-12 || math.IsNaN(got) != math.IsNaN(want) {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if len(average) != len(d1) {
		t.Errorf("%d averages, want %d", len(average), len(d1))
	}
	_, err = AverageDownstream([]Metrics{d2, d1})
	pass := err != nil && strings.Contains(err.Error(), "rcorr_entropy")
	fixture.Record("data/evaluate.json", "averaging", "averaging", backend, "1e-12 abs, and an error where the original raises KeyError", 0, pass && !t.Failed())
	if !pass {
		t.Errorf("a key that is only in the first set: error %v", err)
	}
}
