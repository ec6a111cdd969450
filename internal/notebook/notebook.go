// Package notebook reads, checks and executes the course's notebooks.
//
//	nb, err := notebook.Read("notebooks/00_quickstart.ipynb")
//	problems := nb.Lint()                        // what a reader or a reviewer would trip over
//	err = notebook.Execute(ctx, path, outDir)    // headless, through Jupyter and the Go kernel
package notebook

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Notebook is an .ipynb file, format 4.
type Notebook struct {
	Path     string `json:"-"`
	Cells    []Cell `json:"cells"`
	Metadata struct {
		Kernelspec struct {
			Name string `json:"name"`
		} `json:"kernelspec"`
	} `json:"metadata"`
	Format int `json:"nbformat"`
}

// Cell is one cell; Source and output texts are lists of lines or one string.
type Cell struct {
	Type           string         `json:"cell_type"`
	Source         text           `json:"source"`
	Outputs        []Output       `json:"outputs"`
	ExecutionCount *int           `json:"execution_count"`
	Metadata       map[string]any `json:"metadata"`
}

// Output is one output of a code cell.
type Output struct {
	Type      string                     `json:"output_type"`
	Name      string                     `json:"name"` // of a stream
	Text      text                       `json:"text"`
	Data      map[string]json.RawMessage `json:"data"`
	ErrorName string                     `json:"ename"`
	Error     string                     `json:"evalue"`
}

// text is a string that the format may also write as a list of lines.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err == nil {
		*t = text(strings.Join(lines, ""))
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*t = text(s)
	return nil
}

// Read parses a notebook.
func Read(path string) (*Notebook, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	nb := &Notebook{Path: path}
	if err := json.Unmarshal(data, nb); err != nil {
		return nil, fmt.Errorf("%s: not a notebook: %w", path, err)
	}
	if nb.Format != 4 {
		return nil, fmt.Errorf("%s: notebook format %d, want 4", path, nb.Format)
	}
	return nb, nil
}

const (
	maxBytes = 1 << 20 // a committed notebook, outputs and all
	maxLines = 15      // of logic in a cell
)

// ownPath finds paths that hold on one machine only.
var ownPath = regexp.MustCompile(`(/home/|/root/|/Users/|/work/|/tmp/gonb)[A-Za-z0-9_.-]`)

// Lint lists what must not be committed, one line each: the wrong kernel, errors,
// cells never run, stale order, paths of one machine, long cells, a large file.
func (nb *Notebook) Lint() []string {
	var out []string
	say := func(cell int, format string, args ...any) {
		where := nb.Path
		if cell >= 0 {
			where = fmt.Sprintf("%s: cell %d", nb.Path, cell+1)
		}
		out = append(out, where+": "+fmt.Sprintf(format, args...))
	}
	if nb.Metadata.Kernelspec.Name != "gonb" {
		say(-1, "kernel %q, want gonb", nb.Metadata.Kernelspec.Name)
	}
	if st, err := os.Stat(nb.Path); err == nil && st.Size() > maxBytes {
		say(-1, "%d KiB, at most %d: make its outputs smaller", st.Size()>>10, maxBytes>>10)
	}
	if len(nb.Cells) == 0 || nb.Cells[0].Type != "markdown" || !strings.HasPrefix(string(nb.Cells[0].Source), "# ") {
		say(0, "a notebook opens with a heading")
	}
	last := 0
	for i, c := range nb.Cells {
		if m := ownPath.FindString(string(c.Source)); m != "" {
			say(i, "absolute path %s…", m)
		}
		if c.Type != "code" {
			continue
		}
		if strings.TrimSpace(string(c.Source)) == "" {
			say(i, "empty")
			continue
		}
		if n := logic(string(c.Source)); n > maxLines {
			say(i, "%d lines of logic, at most %d: move it into urlkit", n, maxLines)
		}
		switch {
		case c.ExecutionCount == nil:
			say(i, "never executed: make notebooks")
		case *c.ExecutionCount <= last:
			say(i, "executed out of order: make notebooks")
		default:
			last = *c.ExecutionCount
		}
		for _, o := range c.Outputs {
			if m := ownPath.FindString(o.all()); m != "" {
				say(i, "absolute path %s… in its output", m)
			}
		}
	}
	return append(out, nb.Errors()...)
}

// logic counts the lines of Go that a reader must follow: not imports, comments,
// braces or magics.
func logic(source string) int {
	n, imports := 0, false
	for _, line := range strings.Split(source, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "import ("):
			imports = true
		case imports:
			imports = line != ")"
		case line == "", strings.HasPrefix(line, "//"), strings.HasPrefix(line, "%"), strings.HasPrefix(line, "!"), strings.HasPrefix(line, "import "), strings.Trim(line, "(){}") == "":
		default:
			n++
		}
	}
	return n
}

func (o Output) all() string {
	s := string(o.Text)
	for mime, raw := range o.Data {
		if !strings.HasPrefix(mime, "image/png") {
			s += string(raw)
		}
	}
	return s
}

// Errors lists the cells that failed: an error output, or a Go build error or
// panic on a stream (GoNB reports some failures so); and those that were run and
// lack the picture that they show.
func (nb *Notebook) Errors() []string {
	var out []string
	for i, c := range nb.Cells {
		if c.ExecutionCount != nil && strings.Contains(string(c.Source), "figures.Show(") && c.displays() == 0 {
			out = append(out, fmt.Sprintf("%s: cell %d shows no picture", nb.Path, i+1))
		}
		for _, o := range c.Outputs {
			switch {
			case o.Type == "error":
				out = append(out, fmt.Sprintf("%s: cell %d failed: %s %s", nb.Path, i+1, o.ErrorName, o.Error))
			case o.Name == "stderr" && (strings.Contains(string(o.Text), "panic:") || strings.Contains(string(o.Text), "goroutine ")):
				out = append(out, fmt.Sprintf("%s: cell %d panicked: %s", nb.Path, i+1, firstLine(string(o.Text))))
			}
		}
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// Displays counts the pictures that the notebook shows: PNG, or SVG by itself or
// inside HTML.
func (nb *Notebook) Displays() int {
	n := 0
	for _, c := range nb.Cells {
		n += c.displays()
	}
	return n
}

func (c Cell) displays() int {
	n := 0
	for _, o := range c.Outputs {
		html := string(o.Data["text/html"])
		if o.Data["image/png"] != nil || o.Data["image/svg+xml"] != nil ||
			strings.Contains(html, "<svg") || strings.Contains(html, `\u003csvg`) || strings.Contains(html, "<img") || strings.Contains(html, `\u003cimg`) {
			n++
		}
	}
	return n
}
