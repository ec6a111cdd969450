package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"urlbench/urlkit/semantics"
)

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A folder per class works by path, with or without images/, whatever else lies in it.
func TestReprPath(t *testing.T) {
	for _, sub := range []string{"", "images"} {
		dir := filepath.Join(t.TempDir(), "my birds")
		file := imageFile(t, ".png")
		for _, class := range []string{"finch", "owl", "robin", "tit"} {
			for i := range 4 {
				writeFile(t, filepath.Join(dir, sub, class, fmt.Sprintf("%d.png", i)), file)
			}
		}
		writeFile(t, filepath.Join(dir, sub, "README.txt"), nil)
		writeFile(t, filepath.Join(dir, sub, "owl", "._1.png"), nil)
		writeFile(t, filepath.Join(dir, sub, ".DS_Store"), nil)
		d := mustOpen(t, "repr/path:"+dir, Test, Options{})
		if d.Len() != 8 || d.Classes()[d.Label(0)] != "robin" || d.Classes()[d.Label(7)] != "tit" {
			t.Errorf("test: %q with labels %v", ids(d, ""), labels(d))
		}
		if img, err := d.Image(5); err != nil || img.W != 12 {
			t.Errorf("image: %v", err)
		}
		train, validation := mustOpen(t, "repr/path", Train, Options{Root: dir}), mustOpen(t, "repr/path", Validation, Options{Root: dir})
		if got := append(labels(train), labels(validation)...); !slices.Equal(got, []int{0, 0, 1, 1, 0, 0, 1, 1}) {
			t.Errorf("labels of train and validation: %v", got)
		}
	}
	if _, err := Open("repr/path", Test, Options{}); err == nil || !strings.Contains(err.Error(), "repr/path:DIR") {
		t.Errorf("without a folder: %v", err)
	}
	if _, err := Open("repr/path:/no/such/folder", Test, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
	if _, err := Open("repr/cub:/tmp", Test, Options{}); err == nil {
		t.Error("repr/cub takes a folder")
	}
}

// An annotations.json works by path, with the folder's name in its paths or without.
func TestSoftPath(t *testing.T) {
	for _, prefix := range []string{"", "mine/"} {
		dir := filepath.Join(t.TempDir(), "mine")
		type entry struct {
			Path  string  `json:"image_path"`
			Label *string `json:"class_label"`
		}
		type annotator struct {
			Annotations []entry `json:"annotations"`
		}
		yes, no := "yes", "no"
		votes := []annotator{
			{[]entry{{prefix + "fold2/b.png", &yes}, {prefix + "fold2/a.png", &no}, {prefix + "fold1/c.png", nil}}},
			{[]entry{{prefix + "fold2/b.png", &yes}, {prefix + "fold2/a.png", &yes}, {prefix + "fold3/d.png", &no}}},
		}
		text, err := json.Marshal(votes)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "annotations.json"), text)
		for _, name := range []string{"fold2/a.png", "fold2/b.png", "fold3/d.png"} {
			writeFile(t, filepath.Join(dir, name), imageFile(t, ".png"))
		}
		d := mustOpen(t, "soft/path:"+dir, Test, Options{})
		if !slices.Equal(d.Classes(), []string{"no", "yes"}) || fmt.Sprint(d.Soft(0), d.Soft(1)) != "[1 1] [0 2]" || fmt.Sprint(labels(d)) != "[0 1]" {
			t.Errorf("classes %v, votes %v, %v, labels %v", d.Classes(), d.Soft(0), d.Soft(1), labels(d))
		}
		for i := range d.Len() {
			if _, err := d.Image(i); err != nil {
				t.Error(err)
			}
		}
		// c has no vote: the validation split is empty, and says so.
		if _, err := Open("soft/path:"+dir, Validation, Options{}); err == nil || !strings.Contains(err.Error(), "fold1") {
			t.Errorf("validation: %v", err)
		}
	}
}

// Corrected semantics read what the sets' authors published, not what lies beside it.
func TestCorrectedReaders(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, ownTree, dir, []string{"cub200", "cars196", "ImageNet2012"})
	o := Options{Root: dir}
	type key struct{ name, split string }
	want := map[key][]string{}
	for _, k := range []key{{"repr/cub", Train}, {"repr/cub", Test}, {"repr/cars", Train}, {"repr/cars", Test}} {
		want[k] = ids(mustOpen(t, k.name, k.split, o), "")
	}
	writeFile(t, filepath.Join(dir, "cub200/images/.DS_Store"), nil)
	writeFile(t, filepath.Join(dir, "cub200/images/001.Black_footed_Albatross/notes.txt"), nil)
	writeFile(t, filepath.Join(dir, "cars196/images/.DS_Store"), nil)
	writeFile(t, filepath.Join(dir, "cars196/images/Acura Integra Type R 2001/.hidden.jpg"), nil)
	o.Semantics = semantics.Corrected
	for k, w := range want {
		if got := ids(mustOpen(t, k.name, k.split, o), ""); !slices.Equal(got, w) {
			t.Errorf("%v: %q, want %q", k, got, w)
		}
	}
	if err := os.Remove(filepath.Join(dir, "ImageNet2012/meta.bin")); err != nil {
		t.Fatal(err)
	}
	if d := mustOpen(t, "torch/imagenet", Train, Options{Root: filepath.Join(dir, "ImageNet2012"), Semantics: semantics.Corrected}); d.Len() != 19 {
		t.Errorf("%d images without meta.bin", d.Len())
	}
}

func TestOpenNamesChoices(t *testing.T) {
	for _, c := range []struct{ name, split, want string }{
		{"repr/birds", Test, "repr/cub"},
		{"repr/cub", "val", "trainontest"},
		{"soft/mini-blend", Train, "validation, test, all"},
		{"", Train, "--data-dir"},
	} {
		if _, err := Open(c.name, c.split, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:%s: error %v", c.name, c.split, err)
		}
	}
	if d := mustOpen(t, "Repr/Mini-Turned", Test, Options{}); d.Name() != "repr/mini-turned" {
		t.Errorf("name %s", d.Name())
	}
}
