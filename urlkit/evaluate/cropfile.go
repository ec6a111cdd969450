package evaluate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"urlbench/urlkit/run"
)

// readCropFile reads the original's file of crop fractions for n images in the
// range, one number a line; nil if the folder has none.
func readCropFile(dir string, n int, low, high float64) ([]float64, error) {
	path := filepath.Join(dir, fmt.Sprintf("randomcrops_%d_%s_%s.csv", n, run.FormatFloat(low), run.FormatFloat(high)))
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	lines := strings.Fields(string(raw))
	if len(lines) != n {
		return nil, fmt.Errorf("%s: %d crop fractions, want %d, one a line", path, len(lines), n)
	}
	out := make([]float64, n)
	for i, l := range lines {
		if out[i], err = strconv.ParseFloat(l, 64); err != nil || !(out[i] > 0 && out[i] <= 1) {
			return nil, fmt.Errorf("%s:%d: %q is no crop fraction in (0, 1]", path, i+1, l)
		}
	}
	return out, nil
}
