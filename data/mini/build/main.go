// Command build makes the PNG sheets of package mini from the files of the Debian
// package dataset-fashion-mnist.
//
//	go run ./data/mini/build -from /usr/share/datasets/fashion-mnist -to data/mini
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"urlbench/data/mini"
)

func main() {
	from := flag.String("from", "/usr/share/datasets/fashion-mnist", "folder of train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz")
	to := flag.String("to", "data/mini", "folder to write the sheets to")
	flag.Parse()
	if err := build(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(from, to string) error {
	labels, _, err := readIDX(filepath.Join(from, "train-labels-idx1-ubyte.gz"), 1)
	if err != nil {
		return err
	}
	photos, dims, err := readIDX(filepath.Join(from, "train-images-idx3-ubyte.gz"), 3)
	if err != nil {
		return err
	}
	if dims[0] != len(labels) || dims[1] != mini.Side || dims[2] != mini.Side {
		return fmt.Errorf("%s: images of shape %v for %d labels, want 28x28 each", from, dims, len(labels))
	}
	for class, garment := range mini.Garments {
		n := mini.Count(garment)
		size := mini.SheetSize(n)
		sheet := image.NewGray(image.Rect(0, 0, size.X, size.Y))
		placed := 0
		for i, label := range labels {
			if int(label) != class || placed == n {
				continue
			}
			x, y := placed%mini.Columns*mini.Side, placed/mini.Columns*mini.Side
			for row := range mini.Side {
				from := (i*mini.Side + row) * mini.Side
				copy(sheet.Pix[sheet.PixOffset(x, y+row):], photos[from:from+mini.Side])
			}
			placed++
		}
		if placed < n {
			return fmt.Errorf("%s: %d photos of class %s, want %d", from, placed, garment, n)
		}
		if err := writePNG(filepath.Join(to, garment+".png"), sheet); err != nil {
			return err
		}
	}
	return nil
}

func writePNG(path string, sheet image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(f, sheet); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// readIDX reads a gzipped IDX file of unsigned bytes with the given number of
// dimensions (format: http://yann.lecun.com/exdb/mnist).
func readIDX(path string, rank int) ([]uint8, []int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	header := make([]uint32, 1+rank)
	if err := binary.Read(unzipped, binary.BigEndian, header); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if header[0] != uint32(0x0800+rank) {
		return nil, nil, fmt.Errorf("%s: begins with %#x, want an IDX file of bytes with %d dimensions", path, header[0], rank)
	}
	size, dims := 1, make([]int, rank)
	for i, d := range header[1:] {
		dims[i] = int(d)
		size *= int(d)
	}
	values := make([]uint8, size)
	if _, err := io.ReadFull(unzipped, values); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, dims, nil
}
