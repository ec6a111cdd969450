// Command build packs the crop fractions that the original ships
// (timm/data/randomcrops_<n>_<min>_<max>.csv at commit 28cc630, Apache-2.0) into
// the files that package data embeds: 7 bytes per number.
//
//	go run ./data/crops/build -from url/timm/data -to data/crops
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"urlbench/data"
)

func main() {
	from := flag.String("from", "timm/data", "folder of the randomcrops_*.csv")
	to := flag.String("to", "data/crops", "folder to write to")
	flag.Parse()
	if err := build(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(from, to string) error {
	paths, err := filepath.Glob(filepath.Join(from, "randomcrops_*.csv"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("%s: no randomcrops_*.csv (%v)", from, err)
	}
	for _, path := range paths {
		fractions, err := data.ReadCrops(path)
		if err != nil {
			return err
		}
		var packed []byte
		for _, f := range fractions {
			x := math.Ldexp(f, data.CropBits)
			if x != math.Trunc(x) || x < 0 || x >= 1<<data.CropBits {
				return fmt.Errorf("%s: %v does not fit into %d bits", path, f, data.CropBits)
			}
			for n, i := uint64(x), 0; i < data.CropBits/8; i++ {
				packed = append(packed, byte(n>>(8*i)))
			}
		}
		name := strings.TrimSuffix(filepath.Base(path), ".csv") + ".bin"
		if err := os.WriteFile(filepath.Join(to, name), packed, 0o644); err != nil {
			return err
		}
	}
	return nil
}
