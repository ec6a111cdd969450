package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"urlbench/data/pixel"
	"urlbench/data/transform"
)

// imageFile encodes a small grey image.
func imageFile(t testing.TB, ext string) []byte {
	t.Helper()
	var b bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 12, 10))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 37)
	}
	err := png.Encode(&b, img)
	if ext == ".jpg" {
		b.Reset()
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// badFolder makes a set by path of 3 classes with some images that cannot be read.
func badFolder(t *testing.T) (Dataset, []string) {
	t.Helper()
	dir := t.TempDir()
	good := imageFile(t, ".jpg")
	huge := imageFile(t, ".png")
	binary.BigEndian.PutUint32(huge[16:], 1<<20) // the header's width and height
	binary.BigEndian.PutUint32(huge[20:], 1<<20)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	bad := map[string][]byte{
		"a/03.jpg": good[:len(good)/2],
		"a/04.jpg": nil,
		"b/01.jpg": []byte("<html>404</html>"),
		"c/09.png": huge,
	}
	for _, class := range []string{"a", "b", "c", "d"} {
		for i := range 10 {
			name := filepath.Join(class, string([]byte{'0', byte('0' + i)})+".jpg")
			if class == "c" {
				name = strings.Replace(name, ".jpg", ".png", 1)
			}
			file, isBad := bad[filepath.ToSlash(name)]
			if !isBad {
				file = imageFile(t, filepath.Ext(name))
			}
			path := filepath.Join(dir, name)
			err := os.MkdirAll(filepath.Dir(path), 0o755)
			if err == nil {
				err = os.WriteFile(path, file, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var names []string
	for n := range bad {
		names = append(names, n)
	}
	slices.Sort(names)
	return mustOpen(t, "torch/folder", "", Options{Root: dir, MaxPixels: 1 << 20}), names
}

func TestEvaluationListsAllBadFiles(t *testing.T) {
	d, bad := badFolder(t)
	for _, batch := range []int{1, 7, 64} {
		l := mustLoad(t, d, LoaderOptions{BatchSize: batch, Size: 8, Transform: transform.Eval(transform.EvalConfig{Size: 8}), Workers: 3})
		var last error
		for b, err := range l.Epoch(context.Background(), 0) {
			if last = err; err == nil && slices.Max(b.Index) > 30 {
				t.Errorf("batch size %d: a batch after the first bad file", batch)
			}
		}
		var list *BadFilesError
		if !errors.As(last, &list) {
			t.Fatalf("batch size %d: the pass ends with %v", batch, last)
		}
		var got []string
		for _, f := range list.Files {
			got = append(got, f.ID)
		}
		if !slices.Equal(got, bad) {
			t.Errorf("batch size %d: bad files %v, want %v", batch, got, bad)
		}
		if m := last.Error(); strings.Contains(m, "\n") || !strings.Contains(m, "03.jpg") || !strings.Contains(m, "4 of 40") {
			t.Errorf("message %q", m)
		}
		for _, want := range []error{pixel.ErrTruncated, pixel.ErrEmpty, pixel.ErrFormat, pixel.ErrTooLarge} {
			if !errors.Is(last, want) {
				t.Errorf("no file is said to be bad for: %v", want)
			}
		}
	}
}

func TestTrainingReplacesBadFiles(t *testing.T) {
	d, bad := badFolder(t)
	o := LoaderOptions{BatchSize: 8, Size: 8, Transform: transform.Train(transform.DefaultTrain(8)), Training: true, Shuffle: true, MaxBad: 0.1, Seed: 1}
	l := mustLoad(t, d, o)
	n := 0
	for _, b := range collect(t, l, 0, 0) {
		n += b.N
		for i, index := range b.Index {
			if slices.Contains(bad, d.ID(index)) || int(b.Labels[i]) != d.Label(index) {
				t.Errorf("row %d is sample %s with label %d", i, d.ID(index), b.Labels[i])
			}
		}
	}
	if n != d.Len() || len(l.Bad()) != len(bad) {
		t.Errorf("%d samples, %d bad files, want %d and %d", n, len(l.Bad()), d.Len(), len(bad))
	}
	for _, limit := range []float64{0, 0.09, -1} { // the default is 0.1 %: none of 40
		o.MaxBad = limit
		var last error
		for _, err := range mustLoad(t, d, o).Epoch(context.Background(), 0) {
			last = err
		}
		var tooMany *BadFilesError
		if !errors.As(last, &tooMany) || !tooMany.Training || !strings.Contains(last.Error(), "--max-bad") {
			t.Errorf("limit %v: the epoch ends with %v", limit, last)
		}
	}
}

// A set of bad files only ends, too.
func TestTrainingWithoutAGoodFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.png", "2.png", "3.png"} {
		if err := os.WriteFile(filepath.Join(dir, "a", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := mustOpen(t, "", "", Options{Root: dir})
	var last error
	for _, err := range mustLoad(t, d, LoaderOptions{BatchSize: 2, Size: 4, Transform: whole, Training: true, MaxBad: 1}).Epoch(context.Background(), 0) {
		last = err
	}
	if !errors.Is(last, pixel.ErrEmpty) {
		t.Errorf("the epoch ends with %v", last)
	}
}
