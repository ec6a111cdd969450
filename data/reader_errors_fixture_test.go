package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"urlbench/data/pixel"
	"urlbench/internal/fixture"
)

// mutate applies an operation of reader_errors.json to a copy of the tree.
func mutate(t *testing.T, tree string, op []any) {
	t.Helper()
	arg := func(i int) string { s, _ := op[i].(string); return s }
	at := func(i int) string { return filepath.Join(tree, filepath.FromSlash(arg(i))) }
	var err error
	switch arg(0) {
	case "rmtree":
		err = os.RemoveAll(at(1))
	case "mkdir":
		err = os.MkdirAll(at(1), 0o755)
	case "rm":
		err = os.Remove(at(1))
	case "rm_first_listed":
		err = os.Remove(at(2))
	case "text":
		err = os.WriteFile(at(1), []byte(arg(2)), 0o644)
	case "truncate":
		err = os.Truncate(at(1), int64(op[2].(float64)))
	case "truncate_first_image":
		err = os.Truncate(at(3), int64(op[2].(float64)))
	case "overwrite_first_image":
		err = os.WriteFile(at(3), []byte(arg(2)), 0o644)
	case "copy_first":
		var file []byte
		if file, err = os.ReadFile(at(3)); err == nil {
			err = os.WriteFile(at(2), file, 0o644)
		}
	case "keep_only":
		var names []string
		if names, err = list(at(1)); err == nil {
			for _, n := range names {
				if n != arg(2) {
					err = errors.Join(err, os.RemoveAll(filepath.Join(at(1), n)))
				}
			}
		}
	default:
		t.Fatalf("unknown operation %v", op)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// top lists the entries of the tree that a set needs, to copy little.
func top(dataset string) []string {
	s, err := Lookup(dataset)
	switch {
	case err != nil:
		return nil
	case strings.HasSuffix(dataset, "imagenet"):
		return []string{"ImageNet2012", "raters.npz", "real.json"}
	case s.Folder != "":
		return []string{s.Folder}
	}
	return []string{"folder"}
}

func copyTree(t *testing.T, tree, to string, names []string) {
	t.Helper()
	for _, name := range names {
		from := filepath.Join(tree, name)
		var err error
		if isDir(from) {
			err = os.CopyFS(filepath.Join(to, name), os.DirFS(from))
		} else {
			var file []byte
			if file, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(filepath.Join(to, name), file, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What the original refuses, we refuse, when it does or earlier; what it accepts,
// we accept.
func TestFixtureReaderErrors(t *testing.T) {
	var cases []struct {
		Name, Dataset, Split, Root string
		Ops                        [][]any
		Kw                         struct {
			ClassMap string `json:"class_map"`
		}
		Create, Message, Iterate string
		N                        int
		Labels                   []int
		ItemsBefore              int `json:"items_before"`
	}
	readFixture(t, "reader_errors.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			defer func() {
				fixture.Record("data/reader_errors.json", c.Name, "outcome", "exact", "exact", 0, !t.Failed())
			}()
			dir := t.TempDir()
			copyTree(t, tree(), dir, top(c.Dataset))
			for _, op := range c.Ops {
				mutate(t, dir, op)
			}
			d, err := Open(c.Dataset, c.Split, Options{Root: filepath.Join(dir, c.Root), ClassMap: c.Kw.ClassMap})
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
			if c.Create != "ok" {
				if err == nil {
					t.Errorf("no error; there: %s %s", c.Create, c.Message)
				} else if c.Create == "FileNotFoundError" && !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%v is no fs.ErrNotExist", err)
				}
				return
			}
			if err != nil {
				// Votes that are not there are missed on opening, not on the way.
				if c.Iterate == "IndexError" {
					return
				}
				t.Fatal(err)
			}
			if d.Len() != c.N || c.Labels != nil && !slices.Equal(labels(d), c.Labels) {
				t.Errorf("%d samples with labels %v, want %d, %v", d.Len(), labels(d), c.N, c.Labels)
			}
			if c.Dataset == "" {
				// timm's folder reader replaces a bad image by the next: so does training.
				checkReplaced(t, d, c.ItemsBefore)
				return
			}
			items, err := 0, error(nil)
			for ; items < d.Len() && err == nil; items++ {
				if _, err = d.Image(items); err != nil {
					break
				}
			}
			if items != c.ItemsBefore || (err == nil) != (c.Iterate == "ok") {
				t.Errorf("%d images, then %v; want %d, then %s", items, err, c.ItemsBefore, c.Iterate)
			}
			if c.Iterate == "FileNotFoundError" && !errors.Is(err, fs.ErrNotExist) || c.Iterate == "UnidentifiedImageError" && !errors.Is(err, pixel.ErrFormat) {
				t.Errorf("%v, want %s", err, c.Iterate)
			}
		})
	}
}

func checkReplaced(t *testing.T, d Dataset, want int) {
	t.Helper()
	l := mustLoad(t, d, LoaderOptions{BatchSize: 4, Size: 1, Transform: whole, Training: true, MaxBad: 1})
	n := 0
	for _, b := range collect(t, l, 0, 0) {
		n += b.N
	}
	if n != want || len(l.Bad()) != 1 {
		t.Errorf("%d samples, bad files %v, want %d and one", n, l.Bad(), want)
	}
	var bad *BadFilesError
	for _, err := range mustLoad(t, d, LoaderOptions{BatchSize: 4, Size: 1, Transform: whole}).Epoch(context.Background(), 0) {
		errors.As(err, &bad)
	}
	if bad == nil || len(bad.Files) != 1 {
		t.Errorf("evaluation ends with %v, want a bad file", bad)
	}
}
