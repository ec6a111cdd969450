package figures

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot/vg"
)

// Judged is a set of images with the uncertainty a model gives each, and whether the
// nearest neighbour of its embedding was right.
type Judged struct {
	Name        string
	Uncertainty []float64
	Correct     []bool
}

func (j Judged) check(figure string) error {
	if len(j.Uncertainty) == 0 {
		return fmt.Errorf("figure %s: %q has no images", figure, j.Name)
	}
	if len(j.Uncertainty) != len(j.Correct) {
		return fmt.Errorf("figure %s: %q has %d uncertainties and %d judgements; want one of each an image",
			figure, j.Name, len(j.Uncertainty), len(j.Correct))
	}
	if i := slices.IndexFunc(j.Uncertainty, math.IsNaN); i >= 0 {
		return fmt.Errorf("figure %s: %q: the uncertainty of image %d is NaN", figure, j.Name, i)
	}
	return nil
}

// rejection returns, for each number of rejected images, the share rejected and the
// R@1 of those kept. Images of equal uncertainty are rejected together, so that their
// order does not matter: within them the curve is a straight line.
func rejection(unc []float64, correct []bool) (share, r1 []float64) {
	n := len(unc)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return unc[order[a]] > unc[order[b]] })
	right := 0
	for _, ok := range correct {
		if ok {
			right++
		}
	}
	share, r1 = []float64{0}, []float64{float64(right) / float64(n)}
	for i := 0; i < n; {
		j := i
		for j < n && unc[order[j]] == unc[order[i]] {
			if correct[order[j]] {
				right--
			}
			j++
		}
		if j < n {
			share = append(share, float64(j)/float64(n))
			r1 = append(r1, float64(right)/float64(n-j))
		}
		i = j
	}
	return share, r1
}

// Rejection draws how R@1 rises as the most uncertain images are rejected: the use
// that an uncertainty is for. A curve ends where fewer than twenty images are left (a
// quarter, of few). Dashed are its bounds for the first set: an oracle that
// rejects the wrong images first, and chance, which changes nothing.
func Rejection(sets ...Judged) (*Figure, error) {
	const name = "rejection"
	if len(sets) == 0 {
		return nil, fmt.Errorf("figure %s: nothing to draw: no set of images", name)
	}
	p := &panel{gridX: true, gridY: true}
	p.x.label, p.y.label = "Rejected fraction of the images", "R@1 of the others"
	lg := &legend{}
	var all []float64
	for i, s := range sets {
		if err := s.check(name); err != nil {
			return nil, err
		}
		x, y := rejection(s.Uncertainty, s.Correct)
		if i == 0 {
			wrong := make([]float64, len(s.Correct))
			for k, ok := range s.Correct {
				if !ok {
					wrong[k] = 1 + float64(k) // one after the other
				}
			}
			ox, oy := rejection(wrong, s.Correct)
			ox, oy = append(ox, 1), append(oy, oy[len(oy)-1])
			bound := lineLook{colour: grey, width: 0.8, dash: []vg.Length{3, 2}}
			flat := lineLook{colour: grey, width: 0.8, dash: []vg.Length{1, 1.5}}
			p.add(&linePlot{ox, oy, bound, s.Name + ": oracle"}, &linePlot{[]float64{0, 1}, []float64{y[0], y[0]}, flat, s.Name + ": chance"})
			lg.entries = append(lg.entries, entry{label: "oracle", line: &bound}, entry{label: "chance", line: &flat})
			all = append(all, oy...)
		}
		x, y = settled(x, y, len(s.Correct))
		x, y = thin(x, y, 400)
		look := seriesLook(i)
		p.add(&linePlot{x, y, look, s.Name})
		px, py := thin(x, y, 21)
		p.add(dots(px, py, look.colour, func(k int) string {
			return fmt.Sprintf("%s\nwithout the %.0f %% most uncertain\nR@1 %.4f", s.Name, 100*px[k], py[k])
		}))
		lg.entries = append(lg.entries, entry{label: s.Name, line: &look})
		all = append(all, y...)
	}
	p.x.min, p.x.max = 0, 1
	p.y.fit(all)
	return &Figure{Name: name, w: paperWidth, h: 2.4 * inch, panels: []*panel{p}, legend: lg,
		Title: "R@1 against the fraction of images rejected for their uncertainty"}, nil
}

// settled cuts a curve off where so few images are left that it tells nothing: twenty,
// or a quarter of a small set.
func settled(share, r1 []float64, n int) (x, y []float64) {
	last := 1 - float64(min(20, n/4))/float64(n)
	k := len(share)
	for k > 1 && share[k-1] > last {
		k--
	}
	return share[:k], r1[:k]
}

// thin keeps about n points of a curve, among them the first and the last.
func thin(x, y []float64, n int) (tx, ty []float64) {
	if len(x) <= n {
		return x, y
	}
	for i := range n {
		k := int(math.Round(float64(i) * float64(len(x)-1) / float64(n-1)))
		tx, ty = append(tx, x[k]), append(ty, y[k])
	}
	return tx, ty
}

// Reliability draws R@1 within equally large groups of images, ordered from the most
// certain to the least: bars fall from left to right if the uncertainty can be relied
// on.
func Reliability(s Judged, groups int) (*Figure, error) {
	const name = "reliability"
	if err := s.check(name); err != nil {
		return nil, err
	}
	if groups < 2 || groups > len(s.Correct) {
		return nil, fmt.Errorf("figure %s: %d groups of %d images; want at least two groups of one image", name, groups, len(s.Correct))
	}
	order := make([]int, len(s.Correct))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return s.Uncertainty[order[a]] < s.Uncertainty[order[b]] })
	p := &panel{gridY: true}
	p.x.label, p.y.label = "Images by uncertainty, least uncertain first", "R@1"
	total := 0.0
	var bs histogramBars
	for g := range groups {
		from, to := g*len(order)/groups, (g+1)*len(order)/groups
		right := 0.0
		for _, i := range order[from:to] {
			if s.Correct[i] {
				right++
			}
		}
		total += right
		r1 := right / float64(to-from)
		bs = append(bs, histogramBar{float64(g) + 0.1, float64(g) + 0.9, r1, seriesColours[0],
			fmt.Sprintf("%s\nuncertainty %.4g to %.4g\nR@1 %.4f of %d images", s.Name,
				s.Uncertainty[order[from]], s.Uncertainty[order[to-1]], r1, to-from)})
		label := ""
		if groups <= 12 || g%(groups/10) == 0 {
			label = fmt.Sprintf("%.0f %%", 100*float64(to)/float64(len(order)))
		}
		p.x.ticks = append(p.x.ticks, tick{float64(g) + 0.5, label})
	}
	mean := total / float64(len(order))
	p.x.min, p.x.max = -0.3, float64(groups)+0.3
	p.y.min, p.y.max = 0, 1
	p.add(bs, &linePlot{[]float64{p.x.min, p.x.max}, []float64{mean, mean},
		lineLook{colour: grey, width: 1, dash: []vg.Length{3, 2}}, fmt.Sprintf("R@1 of all images %.4f", mean)})
	p.captionAbove(fmt.Sprintf("%s: R@1 of all images %.3f (dashed)", s.Name, mean), 8)
	return &Figure{Name: name, w: paperWidth, h: 2.4 * inch, panels: []*panel{p},
		Title: "R@1 within groups of images of rising uncertainty"}, nil
}
