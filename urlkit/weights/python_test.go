package weights

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"urlbench/internal/fixture"
	"urlbench/safetensors"
)

// pythonWith returns an interpreter that has the modules; the test is skipped if
// there is none. It only looks for them: an import of torch takes seconds.
func pythonWith(t *testing.T, modules ...string) string {
	t.Helper()
	const look = "import importlib.util, sys; sys.exit(not all(importlib.util.find_spec(m) for m in sys.argv[1:]))"
	for _, python := range []string{"../../.venv/bin/python", "python3", "/usr/bin/python3"} {
		if exec.Command(python, append([]string{"-c", look}, modules...)...).Run() == nil {
			return python
		}
	}
	t.Skipf("no Python here has %s (Debian: python3-torch; PyPI: safetensors, timm)", strings.Join(modules, ", "))
	return ""
}

// roundTrip writes tensors, has Python read and save them, and compares what comes
// back bit for bit.
func roundTrip(t *testing.T, python string, list []*safetensors.Tensor, model ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.safetensors"), filepath.Join(dir, "out.pth")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(f, list, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{"testdata/roundtrip.py", in, out}, model...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	s, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.Names()) != len(list) {
		t.Errorf("%d tensors come back, want %d", len(s.Names()), len(list))
	}
	for _, want := range list {
		got, err := s.Tensor(want.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got.Data, want.Data) || got.DType != want.DType {
			t.Errorf("%s comes back changed", want.Name)
		}
	}
	return text
}

func TestPythonReadsAndWritesOurWeights(t *testing.T) {
	python := pythonWith(t, "torch", "safetensors")
	text := roundTrip(t, python, []*safetensors.Tensor{
		safetensors.FromFloat32s("conv1.weight", []int{2, 3, 1, 1}, []float32{1, -2, 3e-40, 4, 5, float32(math.Inf(1))}),
		safetensors.FromFloat32s("fc.bias", []int{0}, nil),
		{Name: "bn1.num_batches_tracked", DType: safetensors.I64, Shape: []int{}, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
	})
	var grids map[string][]float64
	if err := json.Unmarshal(text, &grids); err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 32)
	for i := range x {
		x[i] = float32(math.Pow(float64(i), 1.5))
	}
	for to, name := range map[int]string{3: "3", 6: "6"} {
		for i, v := range ResamplePosition(x, 4, to, 2) {
			if math.Abs(float64(v)-grids[name][i]) > 1e-4 {
				t.Errorf("4x4 to %dx%d, value %d: %v, torch has %v", to, to, i, v, grids[name][i])
			}
		}
	}
}

// TestTimmLoadsOurWeights has timm's own model take the weights strictly, and
// compares what it saves bit for bit.
func TestTimmLoadsOurWeights(t *testing.T) {
	python := pythonWith(t, "torch", "safetensors", "timm")
	for file, name := range map[string]string{"resnet50": "resnet50", "vit_medium": "vit_medium_patch16_gap_256"} {
		t.Run(name, func(t *testing.T) { roundTrip(t, python, formulaWeights(t, "models/"+file+".manifest.json"), name) })
	}
}

// formulaWeights makes tensors of a manifest's names and shapes.
func formulaWeights(t *testing.T, manifest string) []*safetensors.Tensor {
	t.Helper()
	data, err := os.ReadFile(fixture.Path(manifest))
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		Name  string
		Shape []int
		Kind  string
	}
	if err := json.Unmarshal(data, &entries); err != nil {
		t.Fatal(err)
	}
	var out []*safetensors.Tensor
	x := uint32(1)
	for _, e := range entries {
		n := 1
		for _, d := range e.Shape {
			n *= d
		}
		if strings.HasSuffix(e.Kind, "i64") {
			out = append(out, &safetensors.Tensor{Name: Strip(e.Name), DType: safetensors.I64, Shape: e.Shape, Data: make([]byte, 8*n)})
			continue
		}
		values := make([]float32, n)
		for i := range values {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			values[i] = float32(int32(x)) / (1 << 31)
		}
		out = append(out, safetensors.FromFloat32s(Strip(e.Name), e.Shape, values))
	}
	return out
}
