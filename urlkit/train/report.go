package train

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"urlbench/internal/notebook"
)

// Status is what a run can say of itself between two steps.
type Status struct {
	Run             string // the run's name
	Epoch, Epochs   int    // from 0
	Batch, Batches  int    // batches done of the epoch
	Set             string // the data set being evaluated, "" while training
	Done, Of        int    // its images
	Loss            float64
	Accuracy        float64
	Recall          float64 // R@1 within the batch
	AUROC           float64 // R-AUROC within the batch
	Unc             float64 // mean uncertainty
	LR              float64
	Remaining       time.Duration // of the epoch's training
	Curve           [][2]float64  // update and loss, for drawing
	Epochwise       []EpochStatus // finished epochs
	FreshlyMeasured bool          // Loss and its neighbours are new
}

// EpochStatus is what an epoch's evaluation found.
type EpochStatus struct {
	Epoch         int
	R1, AUROC     float64 // averages over the downstream validation sets
	Top1          float64 // upstream
	Best          bool
	Seconds, Loss float64
}

// Reporter shows a run's progress.
type Reporter interface {
	// Update is called after steps and parts of evaluations, at most a few times a
	// second, and whenever something was measured.
	Update(s Status)
	// Line shows a line of text.
	Line(text string)
	// Close ends the display.
	Close()
}

// AutoReporter shows progress where the user looks: a widget in a notebook, a bar
// on a terminal, lines elsewhere.
func AutoReporter() Reporter {
	switch {
	case gonbui.IsNotebook:
		return newWidget()
	case term.IsTerminal(int(os.Stderr.Fd())):
		return &bar{out: os.Stderr}
	}
	return NewLines(os.Stderr)
}

// NewLines reports in plain lines: one per measurement and one per epoch.
func NewLines(w io.Writer) Reporter { return &lines{out: w} }

// Silent reports nothing.
var Silent Reporter = silent{}

type silent struct{}

func (silent) Update(Status) {}
func (silent) Line(string)   {}
func (silent) Close()        {}

type lines struct {
	out    io.Writer
	epochs int
}

func (l *lines) Line(text string) { fmt.Fprintln(l.out, text) }
func (l *lines) Close()           {}

func (l *lines) Update(s Status) {
	if s.FreshlyMeasured {
		fmt.Fprintln(l.out, trainLine(s))
	}
	for ; l.epochs < len(s.Epochwise); l.epochs++ {
		fmt.Fprintln(l.out, epochLine(s.Epochwise[l.epochs]))
	}
}

// trainLine is the line of one measurement, in the original's words.
func trainLine(s Status) string {
	return fmt.Sprintf("Train: %d [%4d/%d]  Loss: %#.4g  Accuracy: %.3f  Within-batch-R@1: %.3f  AUROC: %.3f  Unc %.3g  LR: %.3e  Remaining time: %s",
		s.Epoch, s.Batch, s.Batches, s.Loss, s.Accuracy, s.Recall, s.AUROC, s.Unc, s.LR, s.Remaining.Round(time.Second))
}

func epochLine(e EpochStatus) string {
	star := ""
	if e.Best {
		star = "  (best so far)"
	}
	return fmt.Sprintf("Epoch %d: loss %.4g  upstream Acc@1 %.2f  downstream R@1 %.3f  R-AUROC %.3f  %.1f s%s", e.Epoch, e.Loss, e.Top1, e.R1, e.AUROC, e.Seconds, star)
}

// bar is a progress bar per epoch.
type bar struct {
	out    io.Writer
	bar    *progressbar.ProgressBar
	title  string
	epochs int
}

func (b *bar) Line(text string) {
	b.Close()
	fmt.Fprintln(b.out, text)
}

func (b *bar) Close() {
	if b.bar != nil {
		b.bar.Clear()
		b.bar, b.title = nil, ""
	}
}

func (b *bar) Update(s Status) {
	for ; b.epochs < len(s.Epochwise); b.epochs++ {
		b.Line(epochLine(s.Epochwise[b.epochs]))
	}
	title, done, of := fmt.Sprintf("epoch %d/%d", s.Epoch+1, s.Epochs), s.Batch, s.Batches
	if s.Set != "" {
		title, done, of = "  "+s.Set, s.Done, s.Of
	}
	if title != b.title {
		b.Close()
		b.title = title
		b.bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(b.out), progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if s.Set == "" && s.Loss != 0 {
		title += fmt.Sprintf("  loss %.3f  R@1 %.2f  lr %.1e", s.Loss, s.Recall, s.LR)
	}
	b.bar.Describe(title)
	if err := b.bar.Set(done); err != nil {
		b.bar = nil // the terminal is gone: the run goes on
		b.title = ""
	}
}

// widget is a cell's output in a notebook: where the run is, and the loss curve.
type widget struct {
	id    string
	last  time.Time
	lines []string
	state Status
}

func newWidget() *widget { return &widget{id: "urlbench-" + gonbui.UniqueId()} }

func (w *widget) Line(text string) {
	w.lines = append(w.lines, text)
	w.draw()
}

func (w *widget) Close() {
	w.draw()
	notebook.Flush()
}

func (w *widget) Update(s Status) {
	news := s.FreshlyMeasured || len(s.Epochwise) > len(w.state.Epochwise)
	w.state = s
	if news || time.Since(w.last) > 300*time.Millisecond {
		w.draw()
	}
}

func (w *widget) draw() {
	w.last = time.Now()
	gonbui.UpdateHTML(w.id, widgetHTML(w.state, w.lines))
}

// widgetHTML is the widget's whole content.
func widgetHTML(s Status, lines []string) string {
	var b strings.Builder
	b.WriteString(`<div style="font-family:sans-serif;font-size:13px;max-width:640px">`)
	share := 0.0
	if s.Epochs > 0 {
		share = float64(s.Epoch) / float64(s.Epochs)
		if s.Batches > 0 {
			share += float64(s.Batch) / float64(s.Batches) / float64(s.Epochs)
		}
	}
	what := fmt.Sprintf("epoch %d of %d, batch %d of %d", s.Epoch+1, s.Epochs, s.Batch, s.Batches)
	if s.Set != "" {
		what = fmt.Sprintf("epoch %d of %d, measuring %s: %d of %d", s.Epoch+1, s.Epochs, s.Set, s.Done, s.Of)
	}
	if s.Epochs > 0 && len(s.Epochwise) == s.Epochs {
		what, share = "done", 1
	}
	fmt.Fprintf(&b, `<b>%s</b>: %s`, escape(s.Run), escape(what))
	fmt.Fprintf(&b, `<div style="background:#ddd;height:8px;border-radius:4px;margin:4px 0"><div style="background:#2a6f97;height:8px;border-radius:4px;width:%.1f%%"></div></div>`, 100*share)
	b.WriteString(CurveSVG(s.Curve, 620, 160))
	if len(s.Epochwise) > 0 {
		b.WriteString(`<table style="border-collapse:collapse"><tr><th>epoch</th><th>loss</th><th>upstream acc. [%]</th><th>downstream R@1</th><th>downstream R-AUROC</th><th>seconds</th></tr>`)
		for _, e := range s.Epochwise {
			best := ""
			if e.Best {
				best = " ★"
			}
			fmt.Fprintf(&b, `<tr><td>%d%s</td><td>%.3f</td><td>%.1f</td><td>%.3f</td><td>%.3f</td><td>%.1f</td></tr>`, e.Epoch+1, best, e.Loss, e.Top1, e.R1, e.AUROC, e.Seconds)
		}
		b.WriteString(`</table>`)
	}
	for _, l := range lines {
		fmt.Fprintf(&b, `<div style="color:#666">%s</div>`, escape(l))
	}
	b.WriteString(`</div>`)
	return b.String()
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
