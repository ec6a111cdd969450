package data

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"urlbench/data/pixel"
	"urlbench/data/transform"
)

// collect copies the batches of an epoch.
func collect(t testing.TB, l *Loader, epoch, first int) []Batch {
	t.Helper()
	var out []Batch
	for b, err := range l.From(context.Background(), epoch, first) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Batch{slices.Clone(b.Pixels), b.N, b.H, b.W, slices.Clone(b.Labels), slices.Clone(b.Soft), slices.Clone(b.Index)})
	}
	return out
}

func mustLoad(t testing.TB, d Dataset, o LoaderOptions) *Loader {
	t.Helper()
	l, err := NewLoader(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLoaderIsTheSameForAnyWorkers(t *testing.T) {
	d := mustOpen(t, "mini/upstream", Validation, Options{})
	o := LoaderOptions{BatchSize: 64, Size: 24, Transform: transform.Train(transform.DefaultTrain(24)), Shuffle: true, DropLast: true, Seed: 3, Training: true, Workers: 1, Prefetch: 1}
	one := collect(t, mustLoad(t, d, o), 5, 0)
	o.Workers, o.Prefetch = 7, 4
	l := mustLoad(t, d, o)
	if len(one) != l.Batches() || len(one) != 600/64 {
		t.Fatalf("%d batches, Batches() = %d, want %d", len(one), l.Batches(), 600/64)
	}
	equal := func(what string, got, want []Batch) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: other batches", what)
		}
	}
	equal("7 workers", collect(t, l, 5, 0), one)
	equal("resumed at batch 4", collect(t, l, 5, 4), one[4:])
	other := collect(t, l, 6, 0)
	if slices.Equal(other[0].Index, one[0].Index) || slices.Equal(other[0].Pixels, one[0].Pixels) {
		t.Error("epoch 6 begins like epoch 5")
	}
	var seen []int
	for _, b := range one {
		seen = append(seen, b.Index...)
		for i, index := range b.Index {
			if int(b.Labels[i]) != d.Label(index) {
				t.Fatalf("sample %d has label %d, want %d", index, b.Labels[i], d.Label(index))
			}
		}
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 576 {
		t.Error("samples appear twice in an epoch")
	}
}

func TestLoaderViewsAndVotes(t *testing.T) {
	d := mustOpen(t, "soft/mini-blend", Test, Options{})
	number := func(_ *rand.Rand, img *pixel.Image, dst []uint8) error {
		for v := range 2 {
			for i := range 4 * 4 * 3 {
				dst[v*4*4*3+i] = uint8(v)
			}
		}
		return nil
	}
	l := mustLoad(t, d, LoaderOptions{BatchSize: 7, Size: 4, Views: 2, Transform: number})
	n := 0
	for b, err := range l.Epoch(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		classes := len(d.Classes())
		for i := range b.N {
			if want := n + i/2; b.Index[i] != want || !slices.Equal(b.Soft[i*classes:(i+1)*classes], d.Soft(want)) || int(b.Labels[i]) != d.Label(want) {
				t.Fatalf("row %d: sample %d, votes %v", i, b.Index[i], b.Soft[i*classes:(i+1)*classes])
			}
			if b.Pixels[i*48] != uint8(i%2) || b.Pixels[i*48+47] != uint8(i%2) {
				t.Fatalf("row %d holds the wrong view", i)
			}
		}
		n += b.N / 2
	}
	if n != d.Len() {
		t.Errorf("%d samples, want %d", n, d.Len())
	}
}

// Leaving the loop, or cancelling, ends all goroutines, and the loader can be used again.
func TestLoaderStops(t *testing.T) {
	d := mustOpen(t, "mini/upstream", Validation, Options{})
	o := LoaderOptions{BatchSize: 8, Size: 32, Transform: transform.Eval(transform.EvalConfig{Size: 32, CropPct: 1}), Workers: 3}
	l := mustLoad(t, d, o)
	before := runtime.NumGoroutine()
	for _, err := range l.Epoch(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	why := errors.New("the user pressed a key")
	n, got := 0, error(nil)
	for _, err := range l.Epoch(ctx, 0) {
		if n++; n == 3 {
			cancel(why)
		}
		got = err
	}
	if !errors.Is(got, why) || n > 4 {
		t.Errorf("after cancelling in turn 3: turn %d with error %v", n, got)
	}
	for i := 0; runtime.NumGoroutine() > before && i < 100; i++ {
		time.Sleep(time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
	if b := collect(t, l, 0, 0); len(b) != 75 || b[74].Index[7] != 599 {
		t.Errorf("after stopping: %d batches", len(b))
	}
}

// nothing is a transform that leaves the batch as it is.
func nothing(_ *rand.Rand, _ *pixel.Image, _ []uint8) error { return nil }

// whole is a transform that decodes the image and leaves the batch as it is.
func whole(_ *rand.Rand, img *pixel.Image, _ []uint8) error { return img.Load(img.Bounds()) }

// BenchmarkLoader measures what the loader itself costs: 32x32 images from memory
// and a transform that only copies.
func BenchmarkLoader(b *testing.B) {
	d := mustOpen(b, "mini/upstream", Train, Options{})
	l := mustLoad(b, d, LoaderOptions{BatchSize: 128, Size: 32, Shuffle: true, Transform: func(_ *rand.Rand, img *pixel.Image, dst []uint8) error {
		copy(dst, img.Pix)
		return nil
	}})
	b.ReportAllocs()
	images := 0
	for epoch := 0; b.Loop(); epoch++ {
		for batch, err := range l.Epoch(context.Background(), epoch) {
			if err != nil {
				b.Fatal(err)
			}
			images += batch.N
		}
	}
	b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
}
