package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"

	"urlbench/urlkit/semantics"
)

// ImageNetSet is torch/imagenet or soft/imagenet. Its Classes are WordNet ids, in
// the order of the folders.
type ImageNetSet struct {
	fileSet
	names map[string][]string // from meta.bin
}

// Names returns a class's names in words, as meta.bin has them; none if there is
// no meta.bin.
func (d *ImageNetSet) Names(label int) []string { return d.names[d.classes[label]] }

// openImageNet reads <Root>/train or <Root>/val, a folder per WordNet id.
//
// torchvision wants meta.bin (it makes the file from the devkit archive) and a
// name in it for every folder, although labels do not depend on it: so do we, but
// for Corrected semantics, which read the folders without it.
func openImageNet(s Set, split string, o Options) (Dataset, error) {
	d := &ImageNetSet{fileSet: *newFileSet(s, o)}
	meta := filepath.Join(o.Root, "meta.bin")
	names, err := readMeta(meta)
	if o.Semantics == semantics.Original && err != nil {
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("%s: %w: torchvision makes it from ILSVRC2012_devkit_t12.tar.gz; --semantics=corrected does without it", meta, fs.ErrNotExist)
		}
		return nil, err
	}
	d.names = names
	folder := "train"
	if slices.Contains(validationNames, split) {
		folder = "val"
	}
	if err := d.addImageFolder(filepath.Join(o.Root, folder)); err != nil {
		return nil, err
	}
	if o.Semantics == semantics.Original {
		for _, wnid := range d.classes {
			if names[wnid] == nil {
				return nil, fmt.Errorf("%s: the folder %s is no class of %s: move it away", filepath.Join(o.Root, folder), wnid, meta)
			}
		}
	}
	return d, nil
}

// readMeta reads the pickled pair (WordNet id -> names, ids of the validation
// images) without executing anything in it.
func readMeta(path string) (names map[string][]string, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: not a file of torch.save: %v", path, r)
		}
	}()
	value, err := pytorch.Load(path)
	if err != nil {
		return nil, fmt.Errorf("%s: not a file of torch.save: %w", path, err)
	}
	wrong := fmt.Errorf("%s: want a pair (names of each WordNet id, ids of the validation images): let torchvision make it anew", path)
	pair, ok := value.(*types.Tuple)
	if !ok || pair.Len() < 1 {
		return nil, wrong
	}
	dict, ok := pair.Get(0).(*types.Dict)
	if !ok {
		return nil, wrong
	}
	names = map[string][]string{}
	for _, entry := range *dict {
		wnid, ok1 := entry.Key.(string)
		words, ok2 := entry.Value.(*types.Tuple)
		if !ok1 || !ok2 {
			return nil, wrong
		}
		list := []string{}
		for i := range words.Len() {
			word, ok := words.Get(i).(string)
			if !ok {
				return nil, wrong
			}
			list = append(list, strings.TrimSpace(word))
		}
		names[wnid] = list
	}
	return names, nil
}
