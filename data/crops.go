package data

import (
	"bufio"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The crop test asks whether a model is less sure of a crop of an image than of
// the image. The share of the side that is kept is drawn from [CropMin, CropMax).
const (
	CropMin = 0.1
	CropMax = 0.75
)

// CropFractions draws a crop fraction in [min, max) for each sample. A fraction
// depends on the seed and on the sample's ID alone, so that it is the same
// whatever else is in the set and in whatever order it is read.
//
// The original draws them from NumPy's global generator and keeps them in a file
// named after the number of samples; see ReadCrops and PublishedCrops.
func CropFractions(d Dataset, seed uint64, min, max float64) []float64 {
	fractions := make([]float64, d.Len())
	for i := range fractions {
		h := fnv.New64a()
		h.Write([]byte(d.Name()))
		h.Write([]byte{0})
		h.Write([]byte(d.ID(i)))
		fractions[i] = min + (max-min)*rand.New(rand.NewPCG(seed, h.Sum64())).Float64()
	}
	return fractions
}

// ReadCrops reads a file of crop fractions as the original writes it
// (randomcrops_<n>_<min>_<max>.csv): one number in (0, 1] a line. The k-th belongs
// to the k-th sample of the stream, see OriginalOrder.
func ReadCrops(name string) ([]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var fractions []float64
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x > 0 && x <= 1) {
			return nil, fmt.Errorf("%s: line %d: %.40q, want a fraction in (0, 1]", name, n, text)
		}
		fractions = append(fractions, x)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(fractions) == 0 {
		return nil, fmt.Errorf("%s: no crop fractions", name)
	}
	return fractions, nil
}

// CropBits is the number of bits in which the embedded fractions are packed: they
// are whole multiples of 2^-56, as all float64 from 1/16 to 1 are.
const CropBits = 56

//go:embed crops/*.bin
var crops embed.FS

// PublishedCrops returns the crop fractions behind the paper's numbers for a set
// of n samples: the original ships them as randomcrops_<n>_<min>_<max>.csv. Sets
// of equal size share them.
func PublishedCrops(n int, min, max float64) ([]float64, error) {
	name := fmt.Sprintf("randomcrops_%d_%v_%v", n, min, max)
	packed, err := crops.ReadFile(path.Join("crops", name+".bin"))
	if err != nil {
		return nil, fmt.Errorf("no published crop fractions %s: there are %s; leave --crop-file out to draw them from the seed", name, strings.Join(PublishedCropNames(), ", "))
	}
	fractions := make([]float64, 0, n)
	for chunk := range slices.Chunk(packed, CropBits/8) {
		x := uint64(0)
		for i, b := range chunk {
			x |= uint64(b) << (8 * i)
		}
		fractions = append(fractions, math.Ldexp(float64(x), -CropBits))
	}
	if len(fractions) != n {
		return nil, fmt.Errorf("%s holds %d fractions, want %d: rebuild it with go run ./data/crops/build", name, len(fractions), n)
	}
	return fractions, nil
}

// namedCrops returns published fractions by the name of their file.
func namedCrops(name string) ([]float64, error) {
	fields := strings.Split(name, "_")
	if len(fields) != 4 {
		return nil, fmt.Errorf("%s: want randomcrops_<n>_<min>_<max>", name)
	}
	n, err1 := strconv.Atoi(fields[1])
	lo, err2 := strconv.ParseFloat(fields[2], 64)
	hi, err3 := strconv.ParseFloat(fields[3], 64)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return PublishedCrops(n, lo, hi)
}

// PublishedCropNames lists the published fractions, by the names of their files
// without .csv.
func PublishedCropNames() []string {
	entries, err := crops.ReadDir("crops")
	if err != nil {
		panic(err) // the folder is embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".bin"))
	}
	return names
}

// Crops returns the fractions that --crop-file asks for: drawn from the seed if it
// is empty, the published ones if it is "published" or the name of such a file,
// else those in the file. There must be one for each sample. A folder stands for
// the file in it that the original would read, randomcrops_<n>_<min>_<max>.csv; a
// set without one has its fractions drawn from the seed.
func Crops(d Dataset, file string, seed uint64, min, max float64) ([]float64, error) {
	var fractions []float64
	var err error
	base := strings.TrimSuffix(path.Base(file), ".csv")
	switch {
	case file == "":
		return CropFractions(d, seed, min, max), nil
	case file == "published":
		fractions, err = PublishedCrops(d.Len(), min, max)
	case file == base && slices.Contains(PublishedCropNames(), base):
		fractions, err = namedCrops(base)
	default:
		if st, e := os.Stat(file); e == nil && st.IsDir() {
			file = filepath.Join(file, fmt.Sprintf("randomcrops_%d_%v_%v.csv", d.Len(), min, max))
			if _, e := os.Stat(file); errors.Is(e, fs.ErrNotExist) {
				return CropFractions(d, seed, min, max), nil
			}
		}
		fractions, err = ReadCrops(file)
	}
	if err != nil {
		return nil, fmt.Errorf("--crop-file=%s: %w", file, err)
	}
	if len(fractions) != d.Len() {
		return nil, fmt.Errorf("--crop-file=%s: %d fractions, %s has %d samples", file, len(fractions), d.Name(), d.Len())
	}
	return fractions, nil
}
