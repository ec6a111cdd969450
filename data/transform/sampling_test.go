package transform

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"testing"

	"urlbench/data/pixel"
	"urlbench/internal/fixture"
	"urlbench/urlkit/semantics"
)

func readJSON(t *testing.T, rel string, v any) {
	t.Helper()
	data, err := os.ReadFile(fixture.Path(rel))
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
}

// replay returns recorded draws.
type replay struct {
	t        *testing.T
	uniforms []float64
	ints     [][3]int // low, high, drawn
}

func (r *replay) uniform(within Range) float64 {
	v := r.uniforms[0]
	r.uniforms = r.uniforms[1:]
	if v < within.Min || v > within.Max {
		r.t.Errorf("drew %g, outside %v", v, within)
	}
	return v
}

func (r *replay) intn(n int) int {
	v := r.ints[0]
	r.ints = r.ints[1:]
	if v[0] != 0 || v[1] != n-1 {
		r.t.Errorf("asks for a number up to %d, the original for %d to %d", n-1, v[0], v[1])
	}
	return v[2]
}

func TestFixtureBoxFromDraws(t *testing.T) {
	const rel = "data/augment_sampling.json"
	var file struct {
		Cases []struct {
			Width, Height int
			Uniform       [][2]float64 `json:"uniform_draws"`
			Ints          [][3]int     `json:"randint_lo_hi_drawn"`
			Box           [4]int       `json:"box_ijhw"`
		} `json:"box_from_draws"`
	}
	readJSON(t, rel, &file)
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range file.Cases {
		r := &replay{t: t, ints: c.Ints}
		for _, pair := range c.Uniform {
			r.uniforms = append(r.uniforms, pair[0]/(float64(c.Width)*float64(c.Height)), pair[1])
		}
		if c.Uniform[0][0] <= 1 { // recorded as shares of the area
			r.uniforms = r.uniforms[:0]
			for _, pair := range c.Uniform {
				r.uniforms = append(r.uniforms, pair[0], pair[1])
			}
		}
		got := DefaultCrop().box(r, c.Width, c.Height)
		want := pixel.Rect{X0: c.Box[1], Y0: c.Box[0], X1: c.Box[1] + c.Box[3], Y1: c.Box[0] + c.Box[2]}
		ok := got == want && len(r.uniforms) == 0 && len(r.ints) == 0
		fixture.Record(rel, fmt.Sprint("box_from_draws/", i), "box", "int", "exact", 0, ok)
		if !ok {
			t.Errorf("case %d (%dx%d): got %v, want %v; %d and %d draws left", i, c.Width, c.Height, got, want, len(r.uniforms), len(r.ints))
		}
	}
}

type moments struct {
	Mean, Std, SE float64
	Quantiles     map[string]float64
}

// TestFixtureBoxStatistics compares the distribution of crop boxes with that of as
// many of the original's, to four standard errors of the difference.
func TestFixtureBoxStatistics(t *testing.T) {
	const rel = "data/augment_sampling.json"
	var file struct {
		Statistics map[string]struct {
			N    int
			Area moments `json:"area_fraction"`
			Log  moments `json:"log_aspect_w_over_h"`
			X    moments `json:"centre_x"`
			Y    moments `json:"centre_y"`
			Corr float64 `json:"corr_area_logaspect"`
		} `json:"box_statistics"`
	}
	readJSON(t, rel, &file)
	if len(file.Statistics) == 0 {
		t.Fatal("no statistics")
	}
	for size, want := range file.Statistics {
		var w, h int
		if _, err := fmt.Sscanf(size, "%dx%d", &w, &h); err != nil {
			t.Fatal(err)
		}
		rng := RNG(1, 0, w*h)
		var area, log, x, y []float64
		crop := DefaultCrop()
		for range want.N {
			b := crop.Box(rng, w, h)
			bw, bh := float64(b.X1-b.X0), float64(b.Y1-b.Y0)
			area = append(area, bw*bh/float64(w*h))
			log = append(log, math.Log(bw/bh))
			x = append(x, (float64(b.X0)+bw/2)/float64(w))
			y = append(y, (float64(b.Y0)+bh/2)/float64(h))
		}
		// A correlation's standard error is about (1-r^2)/sqrt(n), of a difference sqrt(2) times that.
		r := correlation(area, log)
		if se := math.Sqrt2 * (1 - r*r) / math.Sqrt(float64(want.N)); math.Abs(r-want.Corr) > 4*se {
			t.Errorf("%s: correlation %g, want %g, standard error %g", size, r, want.Corr, se)
		}
		for _, q := range []struct {
			name string
			got  []float64
			want moments
		}{{"area_fraction", area, want.Area}, {"log_aspect_w_over_h", log, want.Log}, {"centre_x", x, want.X}, {"centre_y", y, want.Y}} {
			err := sameDistribution(q.got, q.want)
			fixture.Record(rel, "box_statistics/"+size, q.name, "sampled", "4 standard errors", 0, err == nil)
			if err != nil {
				t.Errorf("%s %s: %v", size, q.name, err)
			}
		}
	}
}

func sameDistribution(got []float64, want moments) error {
	n := float64(len(got))
	mean, m2, m4 := 0.0, 0.0, 0.0
	for _, v := range got {
		mean += v / n
	}
	for _, v := range got {
		d := (v - mean) * (v - mean)
		m2 += d / n
		m4 += d * d / n
	}
	std := math.Sqrt(m2)
	if se := math.Hypot(want.SE, std/math.Sqrt(n)); math.Abs(mean-want.Mean) > 4*se {
		return fmt.Errorf("mean %g, want %g, standard error %g", mean, want.Mean, se)
	}
	if se := math.Sqrt(2*(m4-m2*m2)/n) / (2 * std); math.Abs(std-want.Std) > 4*se {
		return fmt.Errorf("standard deviation %g, want %g, standard error %g", std, want.Std, se)
	}
	sorted := append([]float64(nil), got...)
	sort.Float64s(sorted)
	for name, v := range want.Quantiles {
		p, err := strconv.ParseFloat(name, 64)
		if err != nil {
			return err
		}
		// The shares of our sample below, and up to, the original's quantile must hold p between them.
		below := float64(sort.SearchFloat64s(sorted, v-1e-12)) / n
		upTo := float64(sort.SearchFloat64s(sorted, v+1e-12)) / n
		if se := math.Sqrt(2 * p * (1 - p) / n); below > p+4*se || upTo < p-4*se {
			return fmt.Errorf("the quantile %s of the original lies at %g to %g, standard error %g", name, below, upTo, se)
		}
	}
	return nil
}

func correlation(a, b []float64) float64 {
	n := float64(len(a))
	var ma, mb, ab, aa, bb float64
	for i := range a {
		ma, mb = ma+a[i]/n, mb+b[i]/n
	}
	for i := range a {
		da, db := a[i]-ma, b[i]-mb
		ab, aa, bb = ab+da*db, aa+da*da, bb+db*db
	}
	return ab / math.Sqrt(aa*bb)
}

func TestFixtureDataConfig(t *testing.T) {
	const rel = "data/data_config.json"
	type record struct {
		InputSize     [3]int `json:"input_size"`
		Interpolation string
		Mean, Std     [3]float64
		CropPct       float64 `json:"crop_pct"`
		CropMode      string  `json:"crop_mode"`
	}
	var file struct {
		Resolved map[string]struct {
			Train    record `json:"train_py"`
			Validate record `json:"validate_py"`
			Own      record `json:"inner_pretrained_cfg_NOT_USED"`
		}
		Defaults struct {
			NoAug         bool       `json:"no_aug"`
			Scale         [2]float64 `json:"scale"`
			Ratio         [2]float64
			HFlip, VFlip  float64
			ColorJitter   float64 `json:"color_jitter"`
			Interpolation string  `json:"train_interpolation"`
		} `json:"train_py_defaults"`
	}
	readJSON(t, rel, &file)
	if len(file.Resolved) == 0 {
		t.Fatal("no models")
	}
	flat := func(c DataConfig) record {
		return record{[3]int{3, c.Size, c.Size}, c.Filter.String(), c.Mean, c.Std, c.CropPct, string(c.Mode)}
	}
	for name, want := range file.Resolved {
		model, flags, _ := strings.Cut(name, " ")
		var o Overrides
		for _, flag := range strings.Fields(flags) {
			if _, err := fmt.Sscanf(flag, "--img-size=%d", &o.Size); err != nil {
				t.Fatalf("%s: unknown flag %s", name, flag)
			}
		}
		for which, r := range map[string]record{"train.py": want.Train, "validate.py": want.Validate} {
			c, err := Resolve(semantics.Original, model, o)
			if err != nil {
				t.Fatal(err)
			}
			ok := flat(c) == r
			fixture.Record(rel, name, which, "config", "exact", 0, ok)
			if !ok {
				t.Errorf("%s %s: got %+v, want %+v", name, which, flat(c), r)
			}
		}
		c, err := Resolve(semantics.Corrected, model, Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		if flat(c) != want.Own {
			t.Errorf("%s corrected: got %+v, want %+v", name, flat(c), want.Own)
		}
	}
	d := file.Defaults
	got := DefaultTrain(224)
	want := TrainConfig{Size: 224, NoAug: d.NoAug, HFlip: d.HFlip, VFlip: d.VFlip, Jitter: DefaultJitter(d.ColorJitter),
		Crop: CropConfig{Range{d.Scale[0], d.Scale[1]}, Range{d.Ratio[0], d.Ratio[1]}}}
	if !reflect.DeepEqual(got, want) || d.Interpolation != "random" {
		t.Errorf("DefaultTrain is %+v, the original's %+v with %s interpolation", got, want, d.Interpolation)
	}
}

func TestResolveErrors(t *testing.T) {
	for flag, o := range map[string]Overrides{
		"--crop-mode":     {CropMode: "round"},
		"--interpolation": {Filter: "nearest-ish"},
		"--mean":          {Mean: []float64{1, 2}},
		"--std":           {Std: []float64{1, 2, 3, 4}},
		"--img-size":      {Size: -1},
	} {
		if _, err := Resolve(semantics.Original, "resnet50", o); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: the error is %v", flag, err)
		}
	}
	c, err := Resolve(semantics.Original, "resnet50", Overrides{Size: 32, CropPct: 1, CropMode: "squash", Filter: "bilinear", Mean: []float64{0.4}, Std: []float64{1, 2, 3}})
	want := DataConfig{32, Bilinear, [3]float64{0.4, 0.4, 0.4}, [3]float64{1, 2, 3}, 1, CropSquash}
	if err != nil || c != want {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
}
