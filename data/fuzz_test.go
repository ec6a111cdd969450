package data

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seed adds a fixture's file to a fuzz target's corpus.
func seed(f *testing.F, name string) {
	f.Helper()
	file, err := os.ReadFile(filepath.Join(ownTree, name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
}

func FuzzNPZ(f *testing.F) {
	seed(f, "raters.npz")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, header := range []string{
		"{'descr': '<i8', 'fortran_order': False, 'shape': (99999999, 99999999), }",
		"{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3), }",
		"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
		"{'descr': '<U0', 'fortran_order': False, 'shape': (), }",
	} {
		w, err := z.Create("tensor.npy")
		if err != nil {
			f.Fatal(err)
		}
		w.Write(append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0))
		w.Write([]byte(header + strings.Repeat("\x01", 24)))
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		arrays, err := readNPZ(file)
		if err != nil {
			return
		}
		for name, a := range arrays {
			n := 1
			for _, d := range a.shape {
				n *= d
			}
			if len(a.numbers)+len(a.text) != n {
				t.Errorf("%s: shape %v with %d values", name, a.shape, len(a.numbers)+len(a.text))
			}
		}
		readRaters(file)
	})
}

func FuzzAnnotations(f *testing.F) {
	seed(f, "Pig/annotations.json")
	f.Add([]byte(`[{"annotations":[{"image_path":"Pig/fold1/a.png","class_label":"x"},{"image_path":"a","class_label":null}]}]`))
	f.Add([]byte(`[{"annotations":[{"image_path":"../../etc/passwd","class_label":"x"}]}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		v, err := readAnnotations(bytes.NewReader(file))
		if err != nil {
			return
		}
		if !slices.IsSorted(v.paths) || !slices.IsSorted(v.classes) || len(v.counts) != len(v.paths) {
			t.Errorf("%d paths, %d rows, not sorted", len(v.paths), len(v.counts))
		}
		for i, row := range v.counts {
			if len(row) != len(v.classes) || row[argmax(row)] < 1 {
				t.Errorf("%s has the votes %v", v.paths[i], row)
			}
			if !filepath.IsLocal(filepath.FromSlash(v.paths[i])) {
				t.Errorf("path %q leads out of the set", v.paths[i])
			}
		}
	})
}

func FuzzRealLabels(f *testing.F) {
	seed(f, "real.json")
	f.Add([]byte(`[[1],[],[-1]]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		labels, err := parseRealLabels(bytes.NewReader(file))
		for _, classes := range labels {
			for _, c := range classes {
				if err == nil && (c < 0 || c >= imageNetClasses) {
					t.Errorf("class %d", c)
				}
			}
		}
	})
}

func FuzzSOP(f *testing.F) {
	seed(f, "online_products/Info_Files/Ebay_train.txt")
	f.Add([]byte("image_id class_id super_class_id path\r\n1 1 1 a/b_0.JPG\r\n"))
	f.Add([]byte("image_id class_id super_class_id path\n1 99999999999 1 ../x\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		entries, err := readSOP(bytes.NewReader(file))
		if err != nil {
			return
		}
		n := 0
		for _, g := range groupBy(entries, func(e sopEntry) int { return e.class }) {
			n += len(g)
		}
		if n != len(entries) {
			t.Errorf("%d entries in groups, want %d", n, len(entries))
		}
	})
}
