// Package results holds what runs measured: one row a run, with its method,
// backbone, hyper-parameters and metrics under their published names, whether it
// comes from the paper or from a run folder of one's own.
//
//	table, err := results.ReadRuns("output/train")  // every run folder below
//	for _, run := range table {
//		fmt.Println(run.Label(), run.Metric("best_test_avg_downstream_auroc_correct"))
//	}
//
// The paper's own results are package data/paper; package figures draws either or
// both.
package results

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// Where a run comes from.
const (
	Paper = "paper" // the paper's runs
	Own   = "own"   // run folders of this machine
)

// The two choices of hyper-parameters behind the paper's figures: for each method
// and backbone the runs with the best validation R-AUROC, and those with the best
// validation R@1 (three seeds each).
const (
	ChoiceRAUROC = "auroc"
	ChoiceR1     = "r1"
)

// Run is one training run and what it measured.
type Run struct {
	Method   string // "CE", "InfoNCE", …, as the paper's figures name it
	Backbone string // "ResNet 50", "ViT Medium", or the model's name for others
	Data     string // the data trained on where it is not ImageNet-1k: "mini"
	Seed     int    // 0 where it is not known, as for all of the paper's runs
	Name     string // the run's name; the folder's for runs of one's own
	Sweep    string // the sweep the run belongs to, "" for none
	Source   string // Paper or Own
	Row      int    // 1-based data row of the paper's export, 0 for other runs
	Choices  []string

	// Config holds hyper-parameters under their flags' names with hyphens: "lr",
	// "unc-module", "inv-temp". Unknown ones are absent.
	Config map[string]string
	// Metrics holds metrics under their published names,
	// "best_test_avg_downstream_r1". Missing ones are absent.
	Metrics map[string]float64
}

// Label names method and backbone together, "ELK ResNet 50", as the paper does; a
// run on other data than ImageNet has them in it, "ELK convnet, mini".
func (r Run) Label() string { return r.Method + " " + r.Group() }

// Group is the backbone, with the data after it where they are not ImageNet-1k. Runs
// of one group can be compared with each other.
func (r Run) Group() string {
	if r.Data == "" {
		return r.Backbone
	}
	return r.Backbone + ", " + r.Data
}

// Metric returns a metric by its published name, NaN where it is missing.
func (r Run) Metric(name string) float64 {
	if v, ok := r.Metrics[name]; ok {
		return v
	}
	return math.NaN()
}

// Chosen says whether the run belongs to a choice (ChoiceRAUROC, ChoiceR1). A run of
// one's own belongs to both: there is nothing to choose from.
func (r Run) Chosen(choice string) bool {
	return r.Source == Own || slices.Contains(r.Choices, choice)
}

// Table is a list of runs in the order in which they are drawn.
type Table []Run

// With returns the table with other tables' runs after its own.
func (t Table) With(others ...Table) Table {
	out := slices.Clone(t)
	for _, o := range others {
		out = append(out, o...)
	}
	return out
}

// Filter returns the runs for which keep holds, in order.
func (t Table) Filter(keep func(Run) bool) Table {
	var out Table
	for _, r := range t {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

// Choice returns the runs of one choice.
func (t Table) Choice(choice string) Table {
	return t.Filter(func(r Run) bool { return r.Chosen(choice) })
}

// Labels returns the labels in ascending byte order, each once.
func (t Table) Labels() []string {
	set := map[string]bool{}
	for _, r := range t {
		set[r.Label()] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// Column returns a metric of every run, NaN where it is missing.
func (t Table) Column(metric string) []float64 {
	out := make([]float64, len(t))
	for i, r := range t {
		out[i] = r.Metric(metric)
	}
	return out
}

// Identify tells method and backbone from a run's model name (timm's, with the
// original's suffixes), loss and number of heads, by the rules of the paper's
// plotting scripts. A model or loss that the paper does not know keeps its own name.
func Identify(model, loss string, heads int) (method, backbone string) {
	base := model
	for _, s := range suffixes {
		if rest, ok := strings.CutSuffix(model, s.suffix); ok && rest != "" {
			base, method = rest, s.method
			break
		}
	}
	switch {
	case strings.HasPrefix(base, "resnet50"):
		backbone = "ResNet 50"
	case strings.HasPrefix(base, "vit_medium_patch16_gap_256"):
		backbone = "ViT Medium"
	default:
		backbone = base
	}
	if method != "" {
		return method, backbone
	}
	if loss == "cross-entropy" {
		if heads > 1 {
			return "Ensemble", backbone
		}
		return "CE", backbone
	}
	if m, ok := byLoss[loss]; ok {
		return m, backbone
	}
	return loss, backbone
}

var suffixes = []struct{ suffix, method string }{
	{"hetxl", "HET-XL"}, {"dropout", "MCDropout"}, {"sngp", "SNGP"},
}

var byLoss = map[string]string{
	"infonce": "InfoNCE", "mcinfonce": "MCInfoNCE", "elk": "ELK", "nivmf": "nivMF",
	"hib": "HIB", "riskpred": "Riskpred", "losspred": "Riskpred",
}
