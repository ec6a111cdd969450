// Package report puts what runs know, and what they do not, on one HTML page:
//
//	entry, err := report.Ask(ctx, run, nil)           // run: urlkit.Open("elk-mini-1")
//	err = report.Write(file, []report.Entry{entry}, report.Options{})
//
// The page shows each test set's R@1 and R-AUROC with bootstrap intervals beside the
// paper's methods, how R@1 rises as uncertain queries are turned away, how uncertain
// right and wrong queries are, the queries that the uncertainty gets most wrong, the
// settings, and how to do it again. It holds everything it shows: no script, no
// font, no picture comes from elsewhere.
package report

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"time"

	"urlbench/urlkit"
	"urlbench/urlkit/results"
)

// Entry is one run of the page.
type Entry struct {
	Result   results.Run // its name, method, backbone and data
	Dir      string      // its folder
	Settings string      // its args.yaml
	Compute  string      // the device that the answers come from; may be empty
	Test     []*urlkit.Answers
	Further  []*urlkit.Answers // sets that several people have labelled
}

// Ask reads a run and asks its best model about the test split of all its downstream
// sets. The progress function is told what is being asked; it may be nil.
func Ask(ctx context.Context, r *urlkit.Run, progress func(set string)) (Entry, error) {
	var e Entry
	settings, err := os.ReadFile(r.Path("args.yaml"))
	if err != nil {
		return e, err
	}
	result, err := results.ReadRun(r.Dir)
	if err != nil {
		return e, fmt.Errorf("%s has no finished epoch to report: %w", r.Dir, err)
	}
	e = Entry{Result: result, Dir: r.Dir, Settings: string(settings)}
	for _, part := range []struct {
		names []string
		to    *[]*urlkit.Answers
	}{{r.Settings.DatasetDownstream, &e.Test}, {r.Settings.FurtherDatasetDownstream, &e.Further}} {
		for _, name := range part.names {
			if progress != nil {
				progress(name)
			}
			a, err := urlkit.Ask(ctx, r, name, r.Settings.TestSplit)
			if err != nil {
				return e, fmt.Errorf("%s: %w", result.Name, err)
			}
			*part.to = append(*part.to, a)
		}
	}
	if len(e.Test)+len(e.Further) == 0 {
		return e, fmt.Errorf("%s names no downstream set to report: train it with --dataset-downstream", r.Dir)
	}
	return e, nil
}

// Options are the choices of a page; zero fields mean the defaults.
type Options struct {
	Queries   int       // of each gallery; 6
	Resamples int       // of the bootstrap; 1000
	Level     float64   // of the intervals; 0.95
	Seed      uint64    // of the bootstrap
	Command   string    // the command that makes the page again
	Made      time.Time // when it was made; not written if zero
}

func (o Options) withDefaults() Options {
	if o.Queries == 0 {
		o.Queries = 6
	}
	if o.Resamples == 0 {
		o.Resamples = 1000
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	return o
}

// Check tells what is wrong with the options.
func (o Options) Check() error {
	switch o = o.withDefaults(); {
	case o.Queries < 1 || o.Queries > 100:
		return fmt.Errorf("%d queries in a gallery: want 1 to 100", o.Queries)
	case o.Resamples < 20 || o.Resamples > 100_000:
		return fmt.Errorf("%d resamples of the bootstrap: want 20 to 100000", o.Resamples)
	case !(o.Level > 0 && o.Level < 1):
		return fmt.Errorf("intervals at level %g: want a level between 0 and 1, such as 0.95", o.Level)
	}
	return nil
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number,
	"css":    func() template.CSS { return template.CSS(pageCSS) },
}).Parse(pageHTML))

// number writes a metric with three decimals, a dash where there is none.
func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.3f", v)
}

// Write writes the page of the runs in the order given.
func Write(w io.Writer, entries []Entry, o Options) error {
	if len(entries) == 0 {
		return fmt.Errorf("report: no runs to report")
	}
	if err := o.Check(); err != nil {
		return err
	}
	p, err := newPage(entries, o.withDefaults())
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, p)
}
