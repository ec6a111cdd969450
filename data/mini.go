package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"urlbench/data/mini"
	"urlbench/data/pixel"
)

// The mini sets show 28x28 photos in the middle of 32x32 black RGB images.
const (
	miniSide   = 32
	miniMargin = (miniSide - mini.Side) / 2
)

// How the photos of a garment that is trained on are used: the first for training,
// the next for validation, the rest for the blends of the two splits.
const (
	miniTrain      = 900
	miniValidation = 100
	miniBlend      = 100 // for each split
)

// blendVotes is the number of votes of a blended image.
const blendVotes = 20

// The held-out garments: validation and test have no class in common.
var miniHeldOut = map[string][]string{
	Validation: {"trouser", "pullover"},
	Test:       {"dress", "coat"},
}

// photo is a sample of a mini set: a photo, perhaps turned, or a blend of two.
type photo struct {
	a, b   []uint8 // b is nil unless it is a blend
	weight float64 // of a
	turns  int     // quarter turns against the clock
	label  int
	votes  []float64
	id     string
}

type miniSet struct {
	name    string
	classes []string
	photos  []photo
}

func (d *miniSet) Name() string      { return d.name }
func (d *miniSet) Len() int          { return len(d.photos) }
func (d *miniSet) Classes() []string { return d.classes }
func (d *miniSet) Label(i int) int   { return d.photos[i].label }
func (d *miniSet) ID(i int) string   { return d.photos[i].id }

func (d *miniSet) Soft(i int) []float64 {
	return append([]float64(nil), d.photos[i].votes...)
}

func (d *miniSet) Image(i int) (*pixel.Image, error) {
	p := d.photos[i]
	img := pixel.New(miniSide, miniSide)
	for y := range mini.Side {
		for x := range mini.Side {
			// The pixel that a quarter turn against the clock brings to (x, y) was at
			// (Side-1-y, x).
			fx, fy := x, y
			for range p.turns {
				fx, fy = mini.Side-1-fy, fx
			}
			v := p.a[fy*mini.Side+fx]
			if p.b != nil {
				v = uint8(math.Round(p.weight*float64(v) + (1-p.weight)*float64(p.b[fy*mini.Side+fx])))
			}
			at := 3 * ((y+miniMargin)*miniSide + x + miniMargin)
			img.Pix[at], img.Pix[at+1], img.Pix[at+2] = v, v, v
		}
	}
	return img, nil
}

// miniPhotos decodes a garment's sheet once.
var miniPhotos = func() func(string) ([][]uint8, error) {
	var mu sync.Mutex
	sheets := map[string][][]uint8{}
	return func(garment string) ([][]uint8, error) {
		mu.Lock()
		defer mu.Unlock()
		if photos, ok := sheets[garment]; ok {
			return photos, nil
		}
		photos, err := mini.Photos(garment)
		if err == nil {
			sheets[garment] = photos
		}
		return photos, err
	}
}()

// openMiniUpstream is the set to train on: six garments, 5400 photos, and 600
// others of the same garments for validation.
func openMiniUpstream(s Set, split string, _ Options) (Dataset, error) {
	from, n := 0, miniTrain
	if split == Validation {
		from, n = miniTrain, miniValidation
	}
	d := &miniSet{name: s.Name, classes: mini.Trained()}
	for label, garment := range d.classes {
		photos, err := miniPhotos(garment)
		if err != nil {
			return nil, err
		}
		for i := from; i < from+n; i++ {
			d.photos = append(d.photos, photo{a: photos[i], label: label, id: fmt.Sprintf("mini/%s/%04d", garment, i)})
		}
	}
	return d, nil
}

// openMiniGarments has the two held-out garments of a split as classes, 400
// photos each.
func openMiniGarments(s Set, split string, _ Options) (Dataset, error) {
	d := &miniSet{name: s.Name, classes: miniHeldOut[split]}
	for label, garment := range d.classes {
		photos, err := miniPhotos(garment)
		if err != nil {
			return nil, err
		}
		for i, p := range photos {
			d.photos = append(d.photos, photo{a: p, label: label, id: fmt.Sprintf("mini/%s/%04d", garment, i)})
		}
	}
	return d, nil
}

// openMiniTurned makes a class of each held-out garment in each of four quarter
// turns, as one does with the letters of Omniglot (Vinyals et al. 2016): eight
// classes of 100 photos, so that a neighbour found by chance is seldom right. No
// photo appears in two classes.
func openMiniTurned(s Set, split string, _ Options) (Dataset, error) {
	d := &miniSet{name: s.Name}
	const turns = 4
	for g, garment := range miniHeldOut[split] {
		photos, err := miniPhotos(garment)
		if err != nil {
			return nil, err
		}
		each := len(photos) / turns
		for t := range turns {
			d.classes = append(d.classes, fmt.Sprintf("%s-%d", garment, 90*t))
			for i := t * each; i < (t+1)*each; i++ {
				d.photos = append(d.photos, photo{a: photos[i], turns: t, label: turns*g + t, id: fmt.Sprintf("mini/%s/%04d-turned-%d", garment, i, 90*t)})
			}
		}
	}
	return d, nil
}

// openMiniBlend mixes pairs of photos of different trained garments (none of
// them used for training or validation): a weight w uniform in [0, 1], pixels
// w a + (1-w) b, and 20 votes, each for a's garment with probability w, else for
// b's. The votes are drawn, not given by people: they stand in for the annotators
// of the real soft sets, and the entropy of the votes follows the blend.
func openMiniBlend(s Set, split string, _ Options) (Dataset, error) {
	d := &miniSet{name: s.Name, classes: mini.Trained()}
	if split == Validation || split == "all" {
		if err := d.addBlends(miniTrain+miniValidation, 1); err != nil {
			return nil, err
		}
	}
	if split == Test || split == "all" {
		if err := d.addBlends(miniTrain+miniValidation+miniBlend, 2); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// addBlends adds blends of the photos from..from+miniBlend-1 of each class; each
// photo is the first of one pair and the second of another.
func (d *miniSet) addBlends(from int, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0x626c656e64))
	classes := len(d.classes)
	sheets := make([][][]uint8, classes)
	for c, garment := range d.classes {
		var err error
		if sheets[c], err = miniPhotos(garment); err != nil {
			return err
		}
	}
	for i := range miniBlend {
		// A shift of the classes by 1..classes-1 pairs every class with another.
		shift := 1 + i%(classes-1)
		for a := range classes {
			b := (a + shift) % classes
			j := (i + 37) % miniBlend
			w := rng.Float64()
			p := photo{a: sheets[a][from+i], b: sheets[b][from+j], weight: w, votes: make([]float64, classes),
				id: fmt.Sprintf("mini/blend/%s-%04d+%s-%04d", d.classes[a], from+i, d.classes[b], from+j)}
			for range blendVotes {
				if rng.Float64() < w {
					p.votes[a]++
				} else {
					p.votes[b]++
				}
			}
			p.label = argmax(p.votes)
			d.photos = append(d.photos, p)
		}
	}
	return nil
}

// argmax returns the index of the largest value, the first of several.
func argmax(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
