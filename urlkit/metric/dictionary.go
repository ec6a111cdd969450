package metric

import (
	"errors"
	"fmt"
	"math"

	"urlbench/urlkit/retrieve"
)

// Samples are a model's answers on one data set, n images. Slices of several
// values per image hold them row after row.
type Samples struct {
	Features     []float32 // [n, Dim] embeddings
	Dim          int
	Uncertainty  []float32 // [n]
	Labels       []int     // [n] class labels
	Logits       []float32 // [n, Classes] class scores; may be absent
	Classes      int
	Cropped      []float32 // [n] uncertainties of the cropped images; absent with CropFraction
	CropFraction []float64 // [n] the side of each crop relative to the image's
	Soft         []float64 // [n, SoftClasses] votes of several annotators; may be absent
	SoftClasses  int
	// Upstream are the uncertainties of the data that the model was trained for, any
	// number of them; may be absent. Only Extended uses them.
	Upstream []float32
}

// Options chooses between rules.
type Options struct {
	// SecondHit takes the neighbour as the original does, the second hit of a
	// search that includes the row itself: see retrieve.SecondHit.
	SecondHit bool
	// Search finds each row's k nearest other rows among embeddings [n, dim]; nil
	// is retrieve.Cosine. It is where a device comes in: retrieve/ondevice gives the
	// same answer. SecondHit doesn't use it.
	Search func(embeddings []float32, dim, k int) (*retrieve.Hits, error)
}

// Dictionary computes every metric of the benchmark, under the original's names
// and in its order:
//
//	top1, top5           percent of images whose label is among the 1, 5 largest logits
//	r1                   R@1
//	croppedHasBiggerUnc  share of images that are more uncertain when cropped
//	rcorr_crop_unc       rank correlation of -cropped uncertainty and crop fraction
//	auroc_correct        R-AUROC, exact
//	auroc_correct_original  R-AUROC as the original prints it: see AUROCOriginal
//	min_unc, max_unc, avg_unc  the uncertainties' range and mean
//	rcorr_entropy        rank correlation of uncertainty and the annotators' entropy
//
// Metrics whose input is absent are left out. NaN uncertainties don't stop it, as
// a model that has begun to produce them must still be reported: the metrics that
// they reach are NaN or count them as not bigger, and carry a note. Everything
// else that is wrong with the input is an error. Values are not rounded: see
// [Metrics.Rounded].
func Dictionary(s Samples, o Options) (Metrics, error) {
	if err := checkRows(s.Features, s.Dim, len(s.Labels)); err != nil {
		return nil, err
	}
	n := len(s.Labels)
	if err := sameLength("uncertainties", len(s.Uncertainty), "embeddings", n); err != nil {
		return nil, err
	}
	neighbour, err := neighbours(s.Features, s.Dim, o)
	if err != nil {
		return nil, err
	}
	correct := matches(neighbour, s.Labels)

	var m Metrics
	if len(s.Logits) > 0 {
		if err := m.put("top1")(percent(TopK(s.Logits, s.Classes, s.Labels, 1))); err != nil {
			return nil, err
		}
	}
	m = append(m, Metric{Name: "r1", Value: share(correct)})
	if len(s.Logits) > 0 {
		if err := m.put("top5")(percent(TopK(s.Logits, s.Classes, s.Labels, 5))); err != nil {
			return nil, err
		}
	}
	if err := cropMetrics(&m, s); err != nil {
		return nil, err
	}
	if note := nanNote(s.Uncertainty, ""); note != "" {
		m = append(m, Metric{"auroc_correct", math.NaN(), note})
	} else if err := m.put("auroc_correct")(RAUROC(s.Uncertainty, correct)); err != nil {
		return nil, err
	}
	if err := m.put("auroc_correct_original")(RAUROCOriginal(s.Uncertainty, correct)); err != nil {
		return nil, err
	}
	low, high, mean := Range(s.Uncertainty)
	m = append(m, Metric{Name: "min_unc", Value: low}, Metric{Name: "max_unc", Value: high}, Metric{Name: "avg_unc", Value: mean})
	if len(s.Soft) > 0 {
		entropies, err := Entropies(s.Soft, s.SoftClasses)
		if err != nil {
			return nil, err
		}
		if err := m.put("rcorr_entropy")(EntropyCorrelation(s.Uncertainty, entropies)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func cropMetrics(m *Metrics, s Samples) error {
	if len(s.Cropped) == 0 && len(s.CropFraction) == 0 {
		return nil
	}
	n := len(s.Labels)
	if err := sameLength("cropped uncertainties", len(s.Cropped), "embeddings", n); err != nil {
		return err
	}
	if err := sameLength("crop fractions", len(s.CropFraction), "embeddings", n); err != nil {
		return err
	}
	bigger := Metric{Name: "croppedHasBiggerUnc", Value: biggerShare(s.Uncertainty, s.Cropped)}
	nans := 0
	for i := range s.Cropped {
		if s.Cropped[i] != s.Cropped[i] || s.Uncertainty[i] != s.Uncertainty[i] {
			nans++
		}
	}
	if nans > 0 {
		bigger.Note = fmt.Sprintf("%d rows with a NaN uncertainty count as not bigger", nans)
	}
	*m = append(*m, bigger)
	return m.put("rcorr_crop_unc")(Spearman(negated(s.Cropped), s.CropFraction))
}

// EntropyCorrelation returns the rank correlation of uncertainties and the
// entropies of the annotators' votes over the rows that have votes: rows of NaN
// entropy are left out, NaN uncertainties are not.
func EntropyCorrelation[F Float](uncertainty []F, entropies []float64) (float64, error) {
	if err := sameLength("soft labels", len(entropies), "uncertainties", len(uncertainty)); err != nil {
		return math.NaN(), err
	}
	var u []F
	var h []float64
	for i, v := range entropies {
		if v == v {
			u, h = append(u, uncertainty[i]), append(h, v)
		}
	}
	if len(h) < 2 {
		return undefined("%d rows have votes, want at least 2", len(h))
	}
	return Spearman(u, h)
}

// Range returns the smallest, the largest and the mean uncertainty, the mean
// rounded to float32 as the original's is; NaN if one of them is, or none is there.
func Range[F Float](uncertainty []F) (low, high, mean float64) {
	low, high = math.Inf(1), math.Inf(-1)
	sum := 0.0
	for _, u := range uncertainty {
		v := float64(u)
		low, high, sum = min(low, v), max(high, v), sum+v
	}
	if len(uncertainty) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return low, high, float64(float32(sum / float64(len(uncertainty))))
}

// put appends a metric from a function's result; an Undefined becomes its note,
// any other error is returned.
func (m *Metrics) put(name string) func(float64, error) error {
	return func(v float64, err error) error {
		note, err := reason(err)
		if err != nil {
			return err
		}
		*m = append(*m, Metric{name, v, note})
		return nil
	}
}

// reason turns an Undefined into a note.
func reason(err error) (string, error) {
	var why Undefined
	if errors.As(err, &why) {
		return string(why), nil
	}
	return "", err
}

func percent(v float64, err error) (float64, error) { return 100 * v, err }
