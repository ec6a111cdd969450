package report

import (
	"bytes"
	"image"
	"math"
	"strings"
	"testing"

	"urlbench/data/paper"

	"urlbench/urlkit/results"
)

var nan32 = float32(math.NaN())

// Four queries, worked out by hand: right ones at 0.1 and 0.3, wrong ones at 0.2 and
// 0.4. Three of the four pairs are in order.
func TestMeasure(t *testing.T) {
	a := judged(t, []float32{0.1, 0.2, 0.3, 0.4}, []bool{true, false, true, false})
	m, err := measure("r", a, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"R@1", m.R1, 0.5}, {"R-AUROC", m.RAUROC, 0.75}, {"surer half", m.Half, 0.5},
		{"AURC", m.AURC, (0 + 1./2 + 1./3 + 2./4) / 4},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s %v, want %v", c.name, c.got, c.want)
		}
	}
	if !(m.R1In.Low <= 0.5 && 0.5 <= m.R1In.High && m.R1In.Low < m.R1In.High) {
		t.Errorf("R@1's interval %v does not hold it", m.R1In)
	}
	if m.Verdict() != "may be chance" {
		t.Errorf("four queries tell: %s", m.Verdict())
	}
}

// What cannot be computed is said, not drawn and not an error.
func TestMeasureWithoutAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		unc     []float32
		correct []bool
		verdict string
		note    string
	}{
		{"NaN", []float32{1, nan32, 3}, []bool{true, false, true}, "cannot be ranked", "1 of 3 uncertainties are NaN"},
		{"all right", []float32{1, 2, 3}, []bool{true, true, true}, "nothing to tell apart", ""},
		{"all wrong", []float32{1, 2, 3}, []bool{false, false, false}, "nothing to tell apart", ""},
		{"constant", []float32{2, 2, 2, 2}, []bool{true, false, true, false}, "may be chance", "the same uncertainty, 2"},
		{"collapsed", []float32{1, 1.00001, 1.00002, 1.00003}, []bool{true, false, true, false}, "may be chance", "collapsed"},
		{"infinite", []float32{1, 2, float32(math.Inf(1)), 3}, []bool{true, true, false, false}, "better than chance", ""},
	} {
		a := judged(t, c.unc, c.correct)
		m, err := measure("r", a, Options{Resamples: 200}.withDefaults())
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if m.Verdict() != c.verdict || !strings.Contains(strings.Join(m.Notes, "; "), c.note) {
			t.Errorf("%s: %q with notes %q, want %q and %q", c.name, m.Verdict(), m.Notes, c.verdict, c.note)
		}
		if !m.Judged {
			continue
		}
		if d, err := histogram("r", a); err != nil || d == nil {
			t.Errorf("%s: no histogram: %v", c.name, err)
		}
	}
	if _, err := measure("r", judged(t, []float32{1}, []bool{true, false}), Options{}.withDefaults()); err == nil || !strings.Contains(err.Error(), "1 uncertainties of 2 queries") {
		t.Errorf("lengths that differ: %v", err)
	}
}

// A query's rank is by uncertainty, shared by equals.
func TestRanks(t *testing.T) {
	a := judged(t, []float32{5, 1, 5, 3}, []bool{true, true, true, true})
	got := strings.Join(rankTexts(a, a.BySureness()), ", ")
	if want := "3 to 4 of 4, 1 of 4, 3 to 4 of 4, 2 of 4"; got != want {
		t.Errorf("ranks %q, want %q", got, want)
	}
}

// The galleries hold wrong queries from the surest on and right ones from the least
// sure on, each beside its neighbour.
func TestGalleries(t *testing.T) {
	a := pixelAnswers(t, "repr/mini-garments", 60)
	gs, err := galleries(a, 4)
	if err != nil {
		t.Fatal(err)
	}
	for g, correct := range []bool{false, true} {
		if len(gs[g].Cards) != 4 {
			t.Fatalf("%s: %d cards, want 4", gs[g].Title, len(gs[g].Cards))
		}
		var first string
		var best = math.Inf(1)
		for i, u := range a.Samples.Uncertainty {
			v := float64(u)
			if correct {
				v = -v
			}
			if a.Correct[i] == correct && v < best {
				best, first = v, a.Set.ID(i)
			}
		}
		if gs[g].Cards[0].Query.ID != first {
			t.Errorf("%s: %s comes first, want %s", gs[g].Title, gs[g].Cards[0].Query.ID, first)
		}
		for _, c := range gs[g].Cards {
			if c.Correct != correct || (c.Query.Class == c.Neighbour.Class) != correct || c.Query.ID == c.Neighbour.ID {
				t.Errorf("%s: %+v beside %+v, correct %v", gs[g].Title, c.Query.ID, c.Neighbour.ID, c.Correct)
			}
		}
	}
}

// Large photos are reduced, small ones kept to the pixel.
func TestEncode(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{{32, 32, 32, 32}, {1000, 500, 240, 120}, {1, 5000, 1, 240}} {
		p, err := encode(image.NewNRGBA(image.Rect(0, 0, c.w, c.h)))
		if err != nil || p.Width != c.wantW || p.Height != c.wantH || !strings.HasPrefix(string(p.Data), "data:image/") {
			t.Errorf("%d x %d became %d x %d (%v)", c.w, c.h, p.Width, p.Height, err)
		}
	}
	if _, err := encode(image.NewNRGBA(image.Rectangle{})); err == nil {
		t.Error("an empty picture is no error")
	}
}

// The paper's rows are its runs' means, and only runs on its own data are called
// comparable with them.
func TestCompare(t *testing.T) {
	e := Entry{Result: results.Run{Name: "r", Method: "ELK", Backbone: "ResNet 50", Source: results.Own, Metrics: map[string]float64{}}}
	on := func(sets ...string) [][]measured {
		var m []measured
		for i, s := range sets {
			m = append(m, measured{Set: s, R1: float64(i), RAUROC: 0.5})
		}
		return [][]measured{m}
	}
	c, err := compare([]Entry{e}, []string{"r"}, on("repr/cub", "repr/cars", "repr/sop"))
	if err != nil || !c.Same || !strings.Contains(c.Caution, "can be compared") || c.Own[0].R1.Mean != 1 {
		t.Fatalf("the paper's sets: %+v, %v", c, err)
	}
	if len(c.Paper) != 22 {
		t.Errorf("%d methods and backbones of the paper, want 22", len(c.Paper))
	}
	for _, row := range c.Paper {
		sum, n := 0.0, 0
		for _, r := range paper.Results() {
			if r.Label() == row.Label && r.Chosen(results.ChoiceRAUROC) {
				sum, n = sum+r.Metrics["best_test_avg_downstream_auroc_correct"], n+1
			}
		}
		if n != row.Runs || math.Abs(row.RAUROC.Mean-sum/float64(n)) > 1e-12 {
			t.Errorf("%s: %v of %d runs, want %v of %d", row.Label, row.RAUROC.Mean, row.Runs, sum/float64(n), n)
		}
	}
	c, err = compare([]Entry{e}, []string{"r"}, on("repr/cub"))
	if err != nil || c.Same || !strings.Contains(c.Caution, "Do not rank") || !strings.Contains(c.Caution, "tested on repr/cub") {
		t.Errorf("one set alone: %+v, %v", c, err)
	}
	e.Result.Data = "mini"
	c, err = compare([]Entry{e}, []string{"r"}, on("repr/cub", "repr/cars", "repr/sop"))
	if err != nil || c.Same || !strings.Contains(c.Caution, "trained on mini") {
		t.Errorf("other training data: %+v, %v", c, err)
	}
}

// The page is one file, says the numbers that were computed, and takes names and
// settings as text.
func TestWrite(t *testing.T) {
	es := entries(t)
	es[0].Settings += "wandb_key: \"abc123\"\n"
	var out bytes.Buffer
	if err := Write(&out, es, Options{Resamples: 50, Command: "urlbench report 'a & b'"}); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	m, err := measure("", es[0].Test[0], Options{Resamples: 50}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		number(m.RAUROC) + ` <span class="interval">[` + number(m.RAUROCIn.Low) + ", " + number(m.RAUROCIn.High) + "]",
		"&lt;script&gt;alert(1)", "a run &lt;b&gt;&amp;amp; its name", "1 of 60 uncertainties are NaN", "Do not rank",
		"MCInfoNCE ResNet 50", "Surest and wrong", "Least sure and right", "wandb_key: &#34;&#34; # left out", "with soft labels",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, no := range []string{"<script", "abc123", "ZgotmplZ", "<link rel=\"stylesheet", "NaN]", "<no value>"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q in it", no)
		}
	}
	var again bytes.Buffer
	if err := Write(&again, es, Options{Resamples: 50, Command: "urlbench report 'a & b'"}); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("the same runs make another page (%v)", err)
	}
}

func TestWriteErrors(t *testing.T) {
	for _, c := range []struct {
		entries []Entry
		o       Options
		want    string
	}{
		{nil, Options{}, "no runs"},
		{make([]Entry, 1), Options{Level: 95}, "level between 0 and 1"},
		{make([]Entry, 1), Options{Resamples: 3}, "3 resamples"},
		{make([]Entry, 1), Options{Queries: -1}, "-1 queries"},
	} {
		var out bytes.Buffer
		if err := Write(&out, c.entries, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}

// A run without test sets, only further ones, has nothing to set beside the paper.
func TestWriteFurtherOnly(t *testing.T) {
	e := entries(t)[0]
	e.Test = nil
	var out bytes.Buffer
	if err := Write(&out, []Entry{e}, Options{Resamples: 50}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), `id="paper"`) || !strings.Contains(out.String(), "soft/mini-blend") {
		t.Error("the page has the paper's table without a mean of its own, or lacks the set")
	}
}

func TestRunNames(t *testing.T) {
	r := results.Run{Name: "elk"}
	got := strings.Join(runNames([]Entry{{Result: r, Dir: "a/elk"}, {Result: r, Dir: "b/elk"}, {Result: r, Dir: "c/b/elk"}, {Result: results.Run{Name: "ce"}, Dir: "a/ce"}}), ", ")
	if want := "a/elk, b/elk, elk (2), ce"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
}
