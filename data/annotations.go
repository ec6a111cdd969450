package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The splits of the soft sets, by folds as in "Is one annotation enough?"
// (Schmarje et al. 2022).
var (
	softSplits = []string{Train, Validation, Test, "all"}
	softFolds  = map[string][]string{
		Validation: {"fold1"},
		Test:       {"fold2"},
		Train:      {"fold3", "fold4", "fold5"},
		"all":      {"fold1", "fold2", "fold3", "fold4", "fold5"},
	}
)

// votes is an annotations.json: images and classes sorted by code point, and the
// votes of each image, nulls left out, repeated votes counted.
type votes struct {
	paths   []string
	classes []string
	counts  [][]float64
}

// readAnnotations reads a list of annotators, each with a list "annotations" of
// {"image_path": ..., "class_label": a name or null}.
func readAnnotations(r io.Reader) (*votes, error) {
	var annotators []struct {
		Annotations *[]struct {
			Path  *string         `json:"image_path"`
			Label json.RawMessage `json:"class_label"`
		} `json:"annotations"`
	}
	if err := json.NewDecoder(r).Decode(&annotators); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file ends early: download it again")
		}
		return nil, fmt.Errorf("want a JSON list of annotators: %w", err)
	}
	type vote struct{ path, label string }
	counts := map[vote]int{}
	images, labels := map[string]int{}, map[string]int{}
	for a, annotator := range annotators {
		if annotator.Annotations == nil {
			return nil, fmt.Errorf("annotator %d has no list \"annotations\"", a)
		}
		for i, entry := range *annotator.Annotations {
			if entry.Label == nil {
				return nil, fmt.Errorf("annotator %d, annotation %d has no \"class_label\" (null if the person gave none)", a, i)
			}
			if string(entry.Label) == "null" {
				continue
			}
			var v vote
			if err := json.Unmarshal(entry.Label, &v.label); err != nil {
				return nil, fmt.Errorf("annotator %d, annotation %d: class_label %s, want a name or null", a, i, entry.Label)
			}
			if entry.Path == nil {
				return nil, fmt.Errorf("annotator %d, annotation %d has no \"image_path\"", a, i)
			}
			v.path = *entry.Path
			if !filepath.IsLocal(filepath.FromSlash(v.path)) {
				return nil, fmt.Errorf("annotator %d, annotation %d: image_path %q leads out of the data set", a, i, v.path)
			}
			images[v.path], labels[v.label] = 0, 0
			counts[v]++
		}
	}
	if len(images) == 0 {
		return nil, errors.New("no image has a vote")
	}
	v := &votes{paths: sortedKeys(images), classes: sortedKeys(labels)}
	// Votes are held densely: a file that would take more than 1 GiB is no data set.
	if cells := len(v.paths) * len(v.classes); cells > 1<<27 {
		return nil, fmt.Errorf("%d images times %d classes: are the class names numbers of images?", len(v.paths), len(v.classes))
	}
	table := make([]float64, len(v.paths)*len(v.classes))
	v.counts = make([][]float64, len(v.paths))
	for i := range v.counts {
		v.counts[i] = table[i*len(v.classes) : (i+1)*len(v.classes)]
	}
	for vote, n := range counts {
		v.counts[images[vote.path]][labels[vote.label]] = float64(n)
	}
	return v, nil
}

// sortedKeys sorts the keys and writes each one's place to the map.
func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		m[k] = i
	}
	return keys
}

// openSoft reads <folder>/annotations.json; paths in it begin with the folder.
func openSoft(s Set, split string, o Options) (Dataset, error) {
	d := newFileSet(s, o)
	return d.readVotes(filepath.Join(o.Root, s.Folder), split, func(p string) string { return p })
}

// openSoftPath reads an annotations.json of one's own. Paths in it are below the
// folder, with or without the folder's own name in front.
func openSoftPath(s Set, split string, o Options) (Dataset, error) {
	if o.Root == "" {
		return nil, errors.New("no folder: write soft/path:DIR")
	}
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, err
	}
	d := newFileSet(s, o)
	return d.readVotes(root, split, func(p string) string {
		if rest, ok := strings.CutPrefix(path.Clean(p), filepath.Base(root)+"/"); ok {
			return rest
		}
		return p
	})
}

func (d *fileSet) readVotes(dir, split string, place func(string) string) (Dataset, error) {
	f, err := os.Open(filepath.Join(dir, "annotations.json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v, err := readAnnotations(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	d.classes = v.classes
	var counts [][]float64
	for i, p := range v.paths {
		if slices.ContainsFunc(softFolds[split], func(fold string) bool { return strings.Contains(p, fold) }) {
			d.add(place(p), argmax(v.counts[i]))
			counts = append(counts, v.counts[i])
		}
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("%s: found no images whose path contains %s", f.Name(), strings.Join(softFolds[split], " or "))
	}
	d.soft = func(i int) []float64 { return slices.Clone(counts[i]) }
	return d, nil
}
