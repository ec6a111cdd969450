package data

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"urlbench/data/transform"
)

// A tree laid out like ImageNet with 20,000 files streams in memory that does not
// grow with it: what is held is the list of files and a few batches.
func TestStreamsALargeTree(t *testing.T) {
	const classes, perClass = 100, 200
	root := t.TempDir()
	file := imageFile(t, ".jpg")
	first := filepath.Join(root, "first.JPEG")
	if err := os.WriteFile(first, file, 0o644); err != nil {
		t.Fatal(err)
	}
	for c := range classes {
		dir := filepath.Join(root, "train", fmt.Sprintf("n%08d", c))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range perClass {
			path := filepath.Join(dir, fmt.Sprintf("n%08d_%d.JPEG", c, i))
			if os.Link(first, path) != nil { // a link is quicker, where there are such
				if err := os.WriteFile(path, file, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	d := mustOpen(t, "torch/folder", "train", Options{Root: root})
	if d.Len() != classes*perClass {
		t.Fatalf("%d images", d.Len())
	}
	l := mustLoad(t, d, LoaderOptions{BatchSize: 128, Size: 32, Transform: transform.Eval(transform.EvalConfig{Size: 32, CropPct: 1}), Training: true, Shuffle: true, DropLast: true})
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early, late uint64
	n := 0
	for b, err := range l.Epoch(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch n++; n {
		case 10:
			early = held()
		case l.Batches():
			late = held()
		}
		if b.N != 128 {
			t.Fatalf("batch of %d", b.N)
		}
	}
	if n != classes*perClass/128 {
		t.Errorf("%d batches", n)
	}
	// 20,000 images of 32x32 are 61 MB: growth of a few MB is the collector's business.
	if grown := int64(late) - int64(early); grown > 8<<20 {
		t.Errorf("%d MB held after 10 batches, %d MB after %d", early>>20, late>>20, n)
	}
}
