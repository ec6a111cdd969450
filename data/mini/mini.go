package mini

import (
	"bytes"
	"embed"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
)

const (
	// Side is the width and the height of a photo in pixels.
	Side = 28
	// Columns is the number of photos side by side in a sheet.
	Columns = 20
	// TrainedCount and HeldOutCount are the numbers of photos of a garment that is
	// trained on, and of one that is held out.
	TrainedCount, HeldOutCount = 1200, 400
)

// Garments lists the classes in Fashion-MNIST's order: a garment's place is its
// label in the original files.
var Garments = []string{
	"t-shirt", "trouser", "pullover", "dress", "coat",
	"sandal", "shirt", "sneaker", "bag", "ankle-boot",
}

// HeldOut lists the garments that no model trains on.
//
// They were chosen so that the held-out sets are neither trivial nor hopeless
// (a dress and a coat are often, but not always, told apart by a network that
// has seen neither), and so that shirts and T-shirts, which even people confuse,
// stay among the trained garments: a model that has seen no doubtful image has
// nothing to learn its uncertainty from.
var HeldOut = []string{"trouser", "pullover", "dress", "coat"}

// Trained lists the other garments.
func Trained() []string {
	return slices.DeleteFunc(slices.Clone(Garments), func(g string) bool { return slices.Contains(HeldOut, g) })
}

// Count is the number of photos of a garment.
func Count(garment string) int {
	if slices.Contains(HeldOut, garment) {
		return HeldOutCount
	}
	return TrainedCount
}

//go:embed *.png
var sheets embed.FS

// Photos decodes a garment's sheet: each photo has Side*Side grey values, row by
// row, 0 for the background.
func Photos(garment string) ([][]uint8, error) {
	if !slices.Contains(Garments, garment) {
		return nil, fmt.Errorf("mini: no garment %q: choose one of %s", garment, strings.Join(Garments, ", "))
	}
	file, err := sheets.ReadFile(garment + ".png")
	if err != nil {
		return nil, fmt.Errorf("mini: %w", err)
	}
	decoded, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("mini: %s.png: %w", garment, err)
	}
	sheet, ok := decoded.(*image.Gray)
	n := Count(garment)
	if size := SheetSize(n); !ok || decoded.Bounds().Size() != size {
		return nil, fmt.Errorf("mini: %s.png: %T of %v, want a grey image of %v: rebuild it with go run ./data/mini/build", garment, decoded, decoded.Bounds().Size(), size)
	}
	photos := make([][]uint8, n)
	pixels := make([]uint8, n*Side*Side)
	for i := range photos {
		photos[i] = pixels[i*Side*Side : (i+1)*Side*Side : (i+1)*Side*Side]
		x, y := i%Columns*Side, i/Columns*Side
		for row := range Side {
			at := sheet.PixOffset(x, y+row)
			copy(photos[i][row*Side:], sheet.Pix[at:at+Side])
		}
	}
	return photos, nil
}

// SheetSize is the size in pixels of a sheet of n photos.
func SheetSize(n int) image.Point {
	return image.Pt(Columns*Side, (n+Columns-1)/Columns*Side)
}
