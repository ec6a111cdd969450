package figures

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"urlbench/urlkit/results"
)

// teaching draws each of the teaching figures from made numbers.
func teaching(t *testing.T) map[string]*Figure {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	judged := func(name string, n int, slope float64) Judged {
		j := Judged{Name: name}
		for range n {
			u := r.Float64()
			j.Uncertainty = append(j.Uncertainty, u)
			j.Correct = append(j.Correct, r.Float64() > 0.2+slope*u)
		}
		return j
	}
	elk, ce := judged("ELK", 2000, 0.5), judged("CE", 2000, 0.2)
	var rows [][]float64
	var unc, wrong []float64
	for i := range 600 {
		v := make([]float64, 32)
		d := 0.0
		for k := range v {
			e := r.NormFloat64() * 0.4
			d += e * e
			v[k] = e + math.Sin(2*float64(i%3)+float64(k))
		}
		rows, unc = append(rows, v), append(unc, math.Sqrt(d))
		wrong = append(wrong, math.Sqrt(d)+0.4*r.Float64())
	}
	photo := func(i int) image.Image {
		m := image.NewRGBA(image.Rect(0, 0, 28, 28))
		for y := range 28 {
			for x := range 28 {
				m.Set(x, y, color.RGBA{uint8(x * 9), uint8(y * 9), uint8(i * 20), 255})
			}
		}
		return m
	}
	var tiles []Tile
	var pairs []Pair
	for i := range 12 {
		tiles = append(tiles, Tile{photo(i), "ankle boot u=0.123", Mark(i % 3)})
		pairs = append(pairs, Pair{photo(i), photo(i + 3), "shirt\nu = 0.12", "a very long class name, sandal", i%2 == 0})
	}
	s := &results.Summary{Columns: []string{"epoch", "train_loss", "eval_r1", "eval_empty"}, Values: map[string][]float64{
		"epoch": {0, 1, 2, 3}, "train_loss": {0.9, 0.7, 0.65, 0.6}, "eval_r1": {0.72, 0.77, 0.77, 0.64},
		"eval_empty": {math.NaN(), math.NaN(), math.NaN(), math.NaN()}}}

	out := map[string]*Figure{}
	put := func(name string) func(*Figure, error) {
		return func(f *Figure, err error) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out[name] = f
		}
	}
	put("rejection")(Rejection(elk, ce))
	put("reliability")(Reliability(elk, 10))
	put("histogram")(Histogram("Uncertainty", Sample{"right", unc}, Sample{"wrong", wrong}))
	put("embedding")(Embedding(rows, unc, nil))
	put("gallery")(Gallery("Most uncertain images", 6, tiles...))
	put("neighbours")(Neighbours("Nearest neighbours", 3, pairs[:6]...))
	put("vmf_circle")(VMFCircle(0, 1, 4, 16, 64))
	put("vmf_sphere")(VMFSphere(0, 2, 8, 32, 128))
	put("epochs")(Epochs(s, "train_loss", "eval_r1", "eval_empty", "eval_top1"))
	put("curves")(Curves("Epoch", "Loss", Line{"ELK", []float64{0, 1, 2, 3}, []float64{3, 2, 1.5, 1.2}},
		Line{"CE", []float64{0, 1, 2, 3}, []float64{2, 1.2, math.NaN(), 0.9}}))
	return out
}

// Four images, two of them equally uncertain: the most uncertain is wrong, one of the
// equal ones too.
func TestRejection(t *testing.T) {
	share, r1 := rejection([]float64{0.9, 0.5, 0.5, 0.1}, []bool{false, true, false, true})
	if want := []float64{0, 0.25, 0.75}; !slices.Equal(share, want) {
		t.Errorf("rejected shares %v, want %v", share, want)
	}
	for i, want := range []float64{0.5, 2.0 / 3, 1} {
		if math.Abs(r1[i]-want) > 1e-12 {
			t.Errorf("R@1 %v at %d, want %v", r1[i], i, want)
		}
	}
}

// Points along a line in space, spread more along it than across.
func TestPrincipal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var rows [][]float64
	var along []float64
	for range 300 {
		a, b := 5*r.NormFloat64(), 2*r.NormFloat64()
		along = append(along, a)
		rows = append(rows, []float64{1 + 0.6*a, 2 + 0.8*a, 3 + b})
	}
	x, y, shares := principal(rows)
	rho, _ := correlation(x, along)
	if math.Abs(rho) < 0.99 {
		t.Errorf("the first component has rank correlation %v with the line", rho)
	}
	var vx, vy, xy float64
	for i := range x {
		vx, vy, xy = vx+x[i]*x[i], vy+y[i]*y[i], xy+x[i]*y[i]
	}
	if math.Abs(xy) > 1e-6*vx || vx <= vy {
		t.Errorf("components: variances %v and %v, covariance %v", vx, vy, xy)
	}
	if math.Abs(shares[0]+shares[1]-1) > 1e-9 || math.Abs(shares[0]/shares[1]-vx/vy) > 1e-6 {
		t.Errorf("shares %v of variances %v and %v", shares, vx, vy)
	}
}

// The density on the circle integrates to one and its ratio of highest to lowest is
// exp(2 kappa); I0(1) = 1.2660658777520084 (Abramowitz and Stegun, table 9.8).
func TestCircleDensity(t *testing.T) {
	for _, k := range []float64{0, 0.5, 4, 40} {
		const n = 2001
		d := circleDensity(k, n)
		sum := 0.0
		for _, v := range d[1:] {
			sum += v * 2 * math.Pi / (n - 1)
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("kappa %v: integral %v", k, sum)
		}
		if got := math.Log(d[n/2] / d[0]); math.Abs(got-2*k) > 1e-9*math.Max(1, k) {
			t.Errorf("kappa %v: log ratio %v, want %v", k, got, 2*k)
		}
	}
	if got, want := circleDensity(1, 361)[180], math.E/(2*math.Pi*1.2660658777520084); math.Abs(got-want) > 1e-12 {
		t.Errorf("density at the mean for kappa 1: %v, want %v", got, want)
	}
}

// Wrong input is told, not drawn.
func TestTeachingErrors(t *testing.T) {
	one := image.NewRGBA(image.Rect(0, 0, 1, 1))
	for _, c := range []struct {
		call func() (*Figure, error)
		want string
	}{
		{func() (*Figure, error) { return Rejection() }, "no set"},
		{func() (*Figure, error) { return Rejection(Judged{"a", []float64{1}, nil}) }, "1 uncertainties and 0 judgements"},
		{func() (*Figure, error) { return Rejection(Judged{"a", []float64{math.NaN()}, []bool{true}}) }, "is NaN"},
		{func() (*Figure, error) { return Reliability(Judged{"a", []float64{1}, []bool{true}}, 3) }, "3 groups of 1"},
		{func() (*Figure, error) { return Histogram("x", Sample{"a", []float64{math.NaN()}}) }, "no finite value"},
		{func() (*Figure, error) { return Embedding([][]float64{{1, 2}, {1, 2}, {1}}, []float64{1, 2, 3}, nil) }, "embedding 2 has 1"},
		{func() (*Figure, error) { return Embedding([][]float64{{1, 2}}, []float64{1}, nil) }, "at least three"},
		{func() (*Figure, error) { return Gallery("", 3) }, "no pictures"},
		{func() (*Figure, error) { return Gallery("", 3, Tile{}) }, "picture 0 is empty"},
		{func() (*Figure, error) { return Gallery("", 0, Tile{Image: one}) }, "0 columns"},
		{func() (*Figure, error) { return Neighbours("", 1, Pair{Query: one}) }, "pair 0"},
		{func() (*Figure, error) { return VMFCircle(-1) }, "kappa -1"},
		{func() (*Figure, error) { return VMFSphere() }, "no kappa"},
		{func() (*Figure, error) { return Curves("x", "y", Line{"a", []float64{1}, nil}) }, "1 x and 0 y"},
		{func() (*Figure, error) { return Epochs(&results.Summary{}, "train_loss") }, "none of train_loss"},
	} {
		f, err := c.call()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v and error %v, want one with %q", f, err, c.want)
		}
	}
}
