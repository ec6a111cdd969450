package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"urlbench/data/pixel"
	"urlbench/data/transform"
)

// counted is an evaluation transform that counts its calls.
func counted(n *atomic.Int32) transform.Transform {
	eval := transform.Eval(transform.EvalConfig{Size: 16})
	return func(r *rand.Rand, img *pixel.Image, dst []uint8) error {
		n.Add(1)
		return eval(r, img, dst)
	}
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	d := mustOpen(t, "soft/pig", "all", Options{Root: ownTree})
	open := func() *Cache {
		t.Helper()
		c, err := OpenCache(d, CacheOptions{Dir: dir, Key: "eval 16", Size: 3 * 16 * 16})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var calls atomic.Int32
	pass := func(c *Cache) string {
		t.Helper()
		calls.Store(0)
		return fmt.Sprint(collect(t, mustLoad(t, d, LoaderOptions{BatchSize: 5, Size: 16, Transform: counted(&calls), Cache: c}), 0, 0))
	}
	files := func() []string {
		t.Helper()
		names, err := list(dir)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	plain := pass(nil)
	c := open()
	if got := pass(c); got != plain || int(calls.Load()) != d.Len() || !c.Complete() {
		t.Fatalf("filling the cache: %d images decoded, complete %v, pixels the same: %v", calls.Load(), c.Complete(), got == plain)
	}
	// The same run again, and another process.
	for range 2 {
		if got := pass(c); got != plain || calls.Load() != 0 {
			t.Errorf("from the cache: %d images decoded, pixels the same: %v", calls.Load(), got == plain)
		}
		c = open()
	}
	if n := files(); len(n) != 1 {
		t.Fatalf("files %v, want one", n)
	}
	path := filepath.Join(dir, files()[0])

	// A flipped bit: that image is decoded, the file goes, the next run fills it anew.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[c.offset(3)+7] ^= 1
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	c = open()
	if got := pass(c); got != plain || calls.Load() != 1 || c.Complete() || len(files()) != 0 {
		t.Errorf("after a flipped bit: %d images decoded, files %v, pixels the same: %v", calls.Load(), files(), got == plain)
	}
	// A damaged head, a file cut short.
	for _, damage := range []func(raw []byte) []byte{
		func(raw []byte) []byte { raw[60] ^= 1; return raw },
		func(raw []byte) []byte { return raw[:len(raw)-1] },
		func([]byte) []byte { return nil },
	} {
		if c = open(); c.Complete() {
			t.Fatal("a cache is there after it was removed")
		}
		pass(c)
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, damage(raw), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		c = open()
		if got := pass(c); got != plain || int(calls.Load()) != d.Len() {
			t.Errorf("with a damaged file: %d images decoded", calls.Load())
		}
		os.Remove(path)
	}
	// Another transform, a changed image.
	pass(open())
	if c, err := OpenCache(d, CacheOptions{Dir: dir, Key: "eval 16 squash", Size: 3 * 16 * 16}); err != nil || c.Complete() {
		t.Errorf("another key finds pixels (error %v)", err)
	} else if err := c.Close(); err != nil {
		t.Error(err)
	}
	if n := files(); len(n) != 1 {
		t.Errorf("files %v: a cache closed early stays", n)
	}
}

func TestCacheNoticesChangedImages(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	copyTree(t, ownTree, root, []string{"Pig"})
	d := mustOpen(t, "soft/pig", "test", Options{Root: root})
	o := CacheOptions{Dir: dir, Key: "k", Size: 48}
	before := fingerprint(d, o)
	if err := os.Chtimes(d.(*fileSet).file(2), time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if fingerprint(d, o) == before {
		t.Error("a changed image has the same fingerprint")
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	fill := func(split string, limit int64) error {
		d := mustOpen(t, "soft/pig", split, Options{Root: ownTree})
		c, err := OpenCache(d, CacheOptions{Dir: dir, Key: "k", Size: 3 * 16 * 16, MaxBytes: limit})
		if err != nil {
			return err
		}
		defer c.Close()
		var calls atomic.Int32
		collect(t, mustLoad(t, d, LoaderOptions{BatchSize: 5, Size: 16, Transform: counted(&calls), Cache: c}), 0, 0)
		// A time stamp between two files that are written within its resolution.
		os.Chtimes(c.path, time.Now(), time.Now().Add(-time.Minute))
		return nil
	}
	const limit = 13000 // train 16.3 kB, validation 4.8 kB, test 5.5 kB
	for _, split := range []string{Validation, Test, Validation} {
		if err := fill(split, limit); err != nil {
			t.Fatal(err)
		}
	}
	if err := fill(Train, limit); !errors.Is(err, ErrCacheFull) {
		t.Errorf("a split larger than the bound: %v", err)
	}
	names, _ := list(dir)
	if len(names) != 2 {
		t.Errorf("files %v, want two", names)
	}
	if err := fill(Train, 20000); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	names, _ = list(dir)
	for _, n := range names {
		info, err := os.Stat(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 20000 || total < 16000 {
		t.Errorf("%d bytes in %v, want at most 20000 and the new file", total, names)
	}
}
