package report

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"urlbench/data/paper"
	"urlbench/figures"
	"urlbench/urlkit/results"
)

// The paper's downstream test sets, whose mean its main figure shows.
var paperSets = []string{"repr/cars", "repr/cub", "repr/sop"}

const (
	meanR1     = "best_test_avg_downstream_r1"
	meanRAUROC = "best_test_avg_downstream_auroc_correct"
)

// meanRow is a mean over test sets: of a run, or of a method's runs in the paper with
// the lowest and highest of them.
type meanRow struct {
	Label, Detail string
	Runs          int
	R1, RAUROC    spread
}

type spread struct{ Mean, Low, High float64 }

// Range writes the lowest and highest of several runs.
func (s spread) Range() string {
	if math.IsNaN(s.Mean) || s.Low == s.High {
		return ""
	}
	return number(s.Low) + " to " + number(s.High)
}

func spreadOf(v []float64) spread {
	s := spread{math.NaN(), math.Inf(1), math.Inf(-1)}
	sum, n := 0.0, 0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
			s.Low, s.High = min(s.Low, x), max(s.High, x)
		}
	}
	if n > 0 {
		s.Mean = sum / float64(n)
	}
	return s
}

// comparison sets the page's runs beside the paper's.
type comparison struct {
	Own, Paper []meanRow
	Same       bool   // runs and paper have training data and test sets in common
	Caution    string // what to know before comparing
	Figure     *drawing
}

// compare takes the means of each run's numbers over its test sets (numbers[i] are
// those of entries[i]) and reads the paper's, of those runs whose hyper-parameters
// gave the best validation R-AUROC.
func compare(entries []Entry, names []string, numbers [][]measured) (*comparison, error) {
	c := &comparison{Same: true}
	var elsewhere []string
	for i, e := range entries {
		var r1, area []float64
		var sets []string
		for _, m := range numbers[i] {
			r1, area, sets = append(r1, m.R1), append(area, m.RAUROC), append(sets, m.Set)
		}
		if len(sets) == 0 {
			continue
		}
		c.Own = append(c.Own, meanRow{Label: names[i], Detail: e.Result.Label(), Runs: 1, R1: meanOf(r1), RAUROC: meanOf(area)})
		slices.Sort(sets)
		if e.Result.Data == "" && slices.Equal(sets, paperSets) {
			continue
		}
		c.Same = false
		trained := e.Result.Data
		if trained == "" {
			trained = "ImageNet-1k"
		}
		where := fmt.Sprintf("trained on %s and tested on %s", trained, strings.Join(sets, " and "))
		if !slices.Contains(elsewhere, where) {
			elsewhere = append(elsewhere, where)
		}
	}
	if len(c.Own) == 0 {
		return nil, nil
	}
	published := paper.Results().Choice(results.ChoiceRAUROC)
	for _, label := range published.Labels() {
		of := published.Filter(func(r results.Run) bool { return r.Label() == label })
		c.Paper = append(c.Paper, meanRow{Label: label, Runs: len(of), R1: spreadOf(of.Column(meanR1)), RAUROC: spreadOf(of.Column(meanRAUROC))})
	}
	sort.SliceStable(c.Paper, func(i, j int) bool { return c.Paper[i].RAUROC.Mean > c.Paper[j].RAUROC.Mean })
	if c.Same {
		c.Caution = "All were trained on ImageNet-1k and tested on CUB 200, CARS 196 and SOP, so the numbers can be compared."
	} else {
		c.Caution = "Do not rank the runs of this page among the paper's. The paper's were trained on ImageNet-1k and tested on CUB 200, CARS 196 and SOP; runs of this page were " +
			strings.Join(elsewhere, "; others ") + ". R@1 depends on the number of classes and images, and R-AUROC on which queries are wrong. The paper's numbers show what the metric looks like on its own data."
	}
	var own results.Table
	for _, e := range entries {
		own = append(own, e.Result)
	}
	f, err := figures.Benchmark(paper.Results().With(own), figures.Clean)
	if err != nil {
		return nil, err
	}
	caption := "R-AUROC by method and backbone, as in the paper's main figure: the mean of the runs, whiskers from the lowest to the highest. Hatched: the runs of this page, from their summary.csv."
	if !c.Same {
		caption += " They stand in a group of their own, on other data."
	}
	c.Figure = drawn(f, "R-AUROC of the paper's methods and of the runs of this page", caption)
	return c, nil
}

// meanOf is the plain mean; without one of the values there is none.
func meanOf(v []float64) spread {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	m := sum / float64(len(v))
	return spread{m, m, m}
}
