package report

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"urlbench/figures"
	"urlbench/urlkit"
)

// page is what the template shows.
type page struct {
	Title, Made, Command string
	Level                string // "95 %"
	Resamples            int
	Sets                 []*setPart
	Human                bool // a set has several annotators' labels
	Comparison           *comparison
	Runs                 []runPart
}

// setPart is a data set with what each run makes of it.
type setPart struct {
	ID, Name string
	Further  bool
	Images   int
	Rows     []measured
	Curve    *drawing
	Looks    []look
	judged   []figures.Judged
}

// look is one run on one data set: what it is sure of.
type look struct {
	Run       string
	Number    measured
	Histogram *drawing
	Galleries []gallery
}

// runPart is a run's settings and how to repeat it.
type runPart struct {
	Name, Label, Dir, Compute string
	Seed, Epochs              string
	Settings                  string
	Train, Validate           string
}

func newPage(entries []Entry, o Options) (*page, error) {
	names := runNames(entries)
	p := &page{Title: "urlbench report: " + strings.Join(names, ", "), Command: o.Command, Level: fmt.Sprintf("%.4g %%", 100*o.Level), Resamples: o.Resamples}
	if len(names) > 3 {
		p.Title = fmt.Sprintf("urlbench report: %s and %d more runs", strings.Join(names[:2], ", "), len(names)-2)
	}
	if !o.Made.IsZero() {
		p.Made = o.Made.UTC().Format("2 January 2006, 15:04 UTC")
	}
	test := make([][]measured, len(entries))
	for i, e := range entries {
		for _, part := range []struct {
			sets    []*urlkit.Answers
			further bool
		}{{e.Test, false}, {e.Further, true}} {
			for _, a := range part.sets {
				m, err := p.add(names[i], a, part.further, o)
				if err != nil {
					return nil, err
				}
				if !part.further {
					test[i] = append(test[i], m)
				}
			}
		}
		p.Runs = append(p.Runs, newRunPart(e, names[i]))
	}
	slices.SortStableFunc(p.Sets, func(a, b *setPart) int { return btoi(a.Further) - btoi(b.Further) })
	for i, s := range p.Sets {
		s.ID = fmt.Sprintf("set-%d", i+1)
		var err error
		if s.Curve, err = abstention(s.Name, s.judged); err != nil {
			return nil, err
		}
	}
	var err error
	p.Comparison, err = compare(entries, names, test)
	return p, err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// add puts a run's answers under their data set.
func (p *page) add(run string, a *urlkit.Answers, further bool, o Options) (measured, error) {
	m, err := measure(run, a, o)
	if err != nil {
		return m, err
	}
	i := slices.IndexFunc(p.Sets, func(s *setPart) bool { return s.Name == m.Set && s.Images == m.Images && s.Further == further })
	if i < 0 {
		i = len(p.Sets)
		p.Sets = append(p.Sets, &setPart{Name: m.Set, Further: further, Images: m.Images})
	}
	s := p.Sets[i]
	s.Rows = append(s.Rows, m)
	p.Human = p.Human || !math.IsNaN(m.Human)
	l := look{Run: run, Number: m}
	if m.Judged {
		s.judged = append(s.judged, a.Judged(run))
		if l.Histogram, err = histogram(run, a); err != nil {
			return m, err
		}
		if l.Galleries, err = galleries(a, o.Queries); err != nil {
			return m, err
		}
	}
	s.Looks = append(s.Looks, l)
	return m, nil
}

// runNames are the runs' names, with their folders where two runs have one name.
func runNames(entries []Entry) []string {
	seen := map[string]int{}
	for _, e := range entries {
		seen[e.Result.Name]++
	}
	var out []string
	for _, e := range entries {
		name := e.Result.Name
		if seen[name] > 1 {
			name = filepath.Join(filepath.Base(filepath.Dir(e.Dir)), name)
		}
		for n := 2; slices.Contains(out, name); n++ {
			name = fmt.Sprintf("%s (%d)", e.Result.Name, n)
		}
		out = append(out, name)
	}
	return out
}

func newRunPart(e Entry, name string) runPart {
	return runPart{
		Name: name, Label: e.Result.Label(), Dir: e.Dir, Compute: e.Compute, Settings: withoutSecrets(e.Settings),
		Seed: e.Result.Config["seed"], Epochs: e.Result.Config["epochs"],
		Train:    "urlbench train --config args.yaml --experiment " + Quote(e.Result.Name+"-again"),
		Validate: "urlbench validate " + Quote(e.Dir),
	}
}

// withoutSecrets leaves the key of a web service out of settings: a page is passed on.
func withoutSecrets(settings string) string {
	lines := strings.Split(settings, "\n")
	for i, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if ok && strings.HasSuffix(strings.TrimSpace(name), "_key") && strings.Trim(strings.TrimSpace(value), `"'`) != "" {
			lines[i] = name + `: "" # left out of this page`
		}
	}
	return strings.Join(lines, "\n")
}

// Quote writes an argument so that a shell reads it back.
func Quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,+@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
