package metric

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

// floats reads float64s that include NaN, infinities and subnormals.
func floats(data []byte) []float64 {
	out := make([]float64, len(data)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return out
}

func bytesOf(values ...float64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

// wellBehaved fails on a number out of range without an error, and on a NaN
// without one.
func wellBehaved(t *testing.T, name string, v float64, err error, low, high float64) {
	t.Helper()
	if err == nil && !(v >= low && v <= high) {
		t.Fatalf("%s is %v, and no error", name, v)
	}
	var why Undefined
	if errors.As(err, &why) && !math.IsNaN(v) {
		t.Fatalf("%s is %v and undefined: %v", name, v, err)
	}
}

// FuzzSlices feeds the rank metrics with anything, lengths included.
func FuzzSlices(f *testing.F) {
	f.Add(bytesOf(1, 2, 3), bytesOf(3, 2, 1), []byte{0, 1, 0}, 2)
	f.Add(bytesOf(math.NaN(), math.Inf(1), math.Inf(-1)), bytesOf(0, 0, 0), []byte{1, 1, 1}, 1)
	f.Add([]byte{}, []byte{}, []byte{}, 0)
	f.Fuzz(func(t *testing.T, a, b, flags []byte, k int) {
		x, y := floats(a), floats(b)
		correct, labels := make([]bool, len(flags)), make([]int, len(flags))
		for i, v := range flags {
			correct[i], labels[i] = v&1 == 1, int(v)
		}
		v, err := AUROC(x, correct)
		wellBehaved(t, "AUROC", v, err, 0, 1)
		if firstNaN(x) >= 0 && err == nil {
			t.Fatal("AUROC of a NaN without an error")
		}
		v, err = RAUROC(x, correct)
		wellBehaved(t, "RAUROC", v, err, 0, 1)
		v, err = RAUROCOriginal(x, correct)
		wellBehaved(t, "RAUROCOriginal", v, err, 0, 1)
		v, err = Spearman(x, y)
		wellBehaved(t, "Spearman", v, err, -1, 1)
		v, err = TopK(x, k, labels, k)
		wellBehaved(t, "TopK", v, err, 0, 1)
		v, err = CroppedHasBiggerUnc(x, y)
		wellBehaved(t, "CroppedHasBiggerUnc", v, err, 0, 1)
		v, err = AURC(x, correct)
		wellBehaved(t, "AURC", v, err, 0, 1)
		v, err = AUGRC(x, correct)
		wellBehaved(t, "AUGRC", v, err, 0, 0.5)
		v, err = OODAUROC(x, y)
		wellBehaved(t, "OODAUROC", v, err, 0, 1)
		v, err = ECE(x, correct, k%100)
		wellBehaved(t, "ECE", v, err, 0, 1)
		v, err = Brier(x, k, labels)
		wellBehaved(t, "Brier", v, err, 0, 2.000001)
		if r1, _, err := Bootstrap(x, correct, 5, 0.9, 1); err == nil && !(r1.Low >= 0 && r1.Low <= r1.High && r1.High <= 1) {
			t.Fatalf("R@1's interval is %v", r1)
		}
		if h, err := Entropies(y, k); err == nil {
			for _, v := range h {
				if !(v >= 0 && v <= math.Log(float64(k))+1e-9 || math.IsNaN(v)) {
					t.Fatalf("entropy %v of %d classes", v, k)
				}
			}
		}
	})
}

// FuzzDictionary feeds whole samples.
func FuzzDictionary(f *testing.F) {
	f.Add(bytesOf(1, 0, 0, 1, 1, 1), bytesOf(1, 2, 3), bytesOf(1, 3, 2), []byte{1, 2, 1}, 2)
	f.Add(bytesOf(math.NaN()), bytesOf(1), bytesOf(), []byte{1}, 1)
	f.Fuzz(func(t *testing.T, features, unc, crop, labels []byte, dim int) {
		s := Samples{Dim: dim, CropFraction: floats(crop), Soft: floats(crop), SoftClasses: 1, Logits: nil, Classes: dim}
		for _, v := range floats(features) {
			s.Features = append(s.Features, float32(v))
		}
		for _, v := range floats(unc) {
			s.Uncertainty = append(s.Uncertainty, float32(v))
		}
		s.Cropped, s.Logits = s.Uncertainty, s.Features
		for _, l := range labels {
			s.Labels = append(s.Labels, int(l))
		}
		for _, o := range []Options{{}, {SecondHit: true}} {
			m, err := Dictionary(s, o)
			if err != nil {
				continue
			}
			for _, x := range m {
				if math.IsNaN(x.Value) && x.Note == "" && !hasName(x.Name, "min_unc", "max_unc", "avg_unc") {
					t.Fatalf("%s is NaN without a reason", x.Name)
				}
			}
		}
		if len(s.Features) > 0 && dim > 0 {
			var rows [][]float32
			for i := 0; i+dim <= len(s.Features); i += dim {
				rows = append(rows, s.Features[i:i+dim])
			}
			if r, err := URL(rows, s.Uncertainty, s.Labels); err == nil && !(r.R1 >= 0 && r.R1 <= 1) {
				t.Fatalf("R@1 is %v", r.R1)
			}
		}
	})
}
