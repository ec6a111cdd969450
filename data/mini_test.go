package data

import (
	"hash/crc32"
	"slices"
	"testing"

	"urlbench/data/mini"
)

func mustOpen(t testing.TB, name, split string, o Options) Dataset {
	t.Helper()
	d, err := Open(name, split, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMiniSets(t *testing.T) {
	for _, s := range Sets() {
		if !s.Built() {
			continue
		}
		seen := map[string]string{} // ID -> split
		for _, split := range s.Splits {
			d := mustOpen(t, s.Name, split, Options{})
			if d.Len() != s.Expected[split] {
				t.Errorf("%s:%s has %d images, want %d", s.Name, split, d.Len(), s.Expected[split])
			}
			counts := make([]int, len(d.Classes()))
			for i := range d.Len() {
				counts[d.Label(i)]++
				if at, twice := seen[d.ID(i)]; twice && split != "all" {
					t.Fatalf("%s: %s is in %s and in %s", s.Name, d.ID(i), at, split)
				}
				seen[d.ID(i)] = split
				if (d.Soft(i) != nil) != s.Soft {
					t.Fatalf("%s: votes of sample %d: %v", s.Name, i, d.Soft(i))
				}
			}
			if min, max := slices.Min(counts), slices.Max(counts); !s.Soft && min != max || min == 0 {
				t.Errorf("%s:%s: classes of %v images", s.Name, split, counts)
			}
		}
	}
}

// Nobody trains on an image, or on a class, that is measured later.
func TestMiniHeldOut(t *testing.T) {
	trained := mustOpen(t, "mini/upstream", Train, Options{}).Classes()
	for _, name := range []string{"repr/mini-garments", "repr/mini-turned"} {
		validation, test := mustOpen(t, name, Validation, Options{}), mustOpen(t, name, Test, Options{})
		for _, c := range validation.Classes() {
			if slices.Contains(test.Classes(), c) || slices.Contains(trained, c) {
				t.Errorf("%s: class %s of the validation split is not its own", name, c)
			}
		}
		for _, c := range test.Classes() {
			if slices.Contains(trained, c) {
				t.Errorf("%s: class %s of the test split is trained on", name, c)
			}
		}
	}
	pixels := map[uint32]string{}
	sum := func(p []uint8) uint32 { return crc32.ChecksumIEEE(p) }
	up := mustOpen(t, "mini/upstream", Train, Options{}).(*miniSet)
	for _, p := range up.photos {
		pixels[sum(p.a)] = p.id
	}
	blends := mustOpen(t, "soft/mini-blend", "all", Options{}).(*miniSet)
	for _, p := range append(blends.photos, mustOpen(t, "mini/upstream", Validation, Options{}).(*miniSet).photos...) {
		for _, part := range [][]uint8{p.a, p.b} {
			if id, ok := pixels[sum(part)]; ok && part != nil {
				t.Errorf("%s holds the training image %s", p.id, id)
			}
		}
	}
}

func TestMiniBlend(t *testing.T) {
	d := mustOpen(t, "soft/mini-blend", Test, Options{}).(*miniSet)
	for i, p := range d.photos {
		total := 0.0
		for _, v := range p.votes {
			total += v
		}
		if total != blendVotes || p.votes[p.label] != slices.Max(p.votes) {
			t.Fatalf("sample %d: votes %v, label %d", i, p.votes, p.label)
		}
		img, err := d.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		x, y := 11, 17
		want := p.weight*float64(p.a[y*mini.Side+x]) + (1-p.weight)*float64(p.b[y*mini.Side+x])
		if got := float64(img.Pix[3*((y+2)*32+x+2)]); got < want-0.5 || got > want+0.5 {
			t.Fatalf("sample %d: pixel %v, want %v", i, got, want)
		}
	}
}

// A turned photo is the photo turned: its top row was the right column.
func TestMiniTurned(t *testing.T) {
	d := mustOpen(t, "repr/mini-turned", Test, Options{}).(*miniSet)
	i := slices.IndexFunc(d.photos, func(p photo) bool { return p.turns == 1 })
	img, err := d.Image(i)
	if err != nil {
		t.Fatal(err)
	}
	for x := range mini.Side {
		for y := range mini.Side {
			if got, want := img.Pix[3*((y+2)*32+x+2)], d.photos[i].a[x*mini.Side+mini.Side-1-y]; got != want {
				t.Fatalf("pixel (%d, %d) is %d, want %d", x, y, got, want)
			}
		}
	}
}
