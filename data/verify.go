package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Report is what Verify found out about a set.
type Report struct {
	Set    Set
	Where  string // the folder it was looked for in
	Absent bool   // nothing of it is there
	Splits []SplitReport
	Images int // files read
	Bad    []BadFile
}

// SplitReport is a split's number of images, and the published one (0 if unknown).
type SplitReport struct {
	Name        string
	N, Expected int
	Err         error // why it cannot be opened
}

// OK reports whether the set is there, whole and readable.
func (r Report) OK() bool {
	return !r.Absent && len(r.Bad) == 0 && !slices.ContainsFunc(r.Splits, func(s SplitReport) bool {
		return s.Err != nil || s.Expected > 0 && s.N != s.Expected
	})
}

// In returns the options that read a set from the folder that holds all sets, laid
// out as the original's README says: ImageNet in ImageNet2012, its raters.npz and
// real.json beside it.
func (s Set) In(dir string) Options {
	if strings.HasSuffix(s.Name, "/imagenet") {
		return Options{Root: filepath.Join(dir, "ImageNet2012")}
	}
	return Options{Root: dir}
}

// Verify opens every split of a set and, if decode is set, decodes every image of
// it, with all processors. progress, which may be nil, is called with the number
// of images done so far, from several goroutines.
func Verify(ctx context.Context, s Set, o Options, decode bool, progress func(done, total int)) (Report, error) {
	r := Report{Set: s, Where: filepath.Join(o.Root, s.Folder)}
	if !s.Built() {
		if _, err := os.Stat(r.Where); errors.Is(err, fs.ErrNotExist) {
			r.Absent = true
			return r, nil
		}
	}
	type sample struct {
		set Dataset
		i   int
	}
	var samples []sample
	seen := map[string]bool{}
	splits := s.Splits
	if strings.HasSuffix(s.Name, "/imagenet") { // the others are names of the same
		splits = slices.DeleteFunc(slices.Clone(splits), func(n string) bool { return slices.Contains(validationNames, n) && n != Validation })
	}
	for _, split := range splits {
		sr := SplitReport{Name: split, Expected: s.Expected[split]}
		d, err := s.open(s, split, o)
		if err != nil {
			sr.Err = err
			r.Splits = append(r.Splits, sr)
			continue
		}
		sr.N = d.Len()
		for i := range d.Len() {
			if !seen[d.ID(i)] {
				seen[d.ID(i)] = true
				samples = append(samples, sample{d, i})
			}
		}
		r.Splits = append(r.Splits, sr)
	}
	if !decode {
		return r, nil
	}
	var next, done atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(samples) {
					return
				}
				sample := samples[n]
				img, err := sample.set.Image(sample.i)
				if err != nil {
					mu.Lock()
					r.Bad = append(r.Bad, BadFile{sample.i, sample.set.ID(sample.i), err})
					mu.Unlock()
				} else {
					img.Release()
				}
				if n := int(done.Add(1)); progress != nil {
					progress(n, len(samples))
				}
			}
		})
	}
	wg.Wait()
	r.Images = int(done.Load())
	slices.SortFunc(r.Bad, func(a, b BadFile) int { return strings.Compare(a.ID, b.ID) })
	return r, context.Cause(ctx)
}
