package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"urlbench/npy"
	"urlbench/safetensors"
)

// writeArray writes a .npy file and returns its path.
func writeArray(t *testing.T, name string, shape []int, values ...float32) string {
	t.Helper()
	var buf bytes.Buffer
	if err := npy.WriteFloat32s(&buf, shape, values); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func metricsOutput(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := newMetricsCmd()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestMetricsCommand(t *testing.T) {
	e := writeArray(t, "e.npy", []int{5, 2}, 1, 0, 0.9, 0.1, 0, 1, 0.1, 1, 0.8, 0.9)
	u := writeArray(t, "u.npy", []int{5}, 0.1, 0.2, 0.1, 0.3, 0.9)
	y := writeArray(t, "y.npy", []int{5}, 0, 0, 1, 1, 0)
	votes := writeArray(t, "s.npy", []int{5, 2}, 9, 1, 8, 2, 0, 10, 2, 8, 5, 5)
	text, err := metricsOutput("--embeddings", e, "--uncertainties", u, "--labels", y, "--soft-labels", votes, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]float64
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	// By hand: see ExampleDictionary of package metric.
	for name, want := range map[string]float64{"r1": 0.8, "auroc_correct": 1, "rcorr_entropy": 0.9474, "min_unc": float64(float32(0.1))} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	text, err = metricsOutput("--embeddings", e, "--uncertainties", u, "--labels", y, "--metrics", "extended")
	if err != nil || !strings.Contains(text, "augrc") {
		t.Errorf("extended: %s, %v", text, err)
	}
	if _, err := metricsOutput("--embeddings", e, "--uncertainties", u, "--labels", y, "--metrics", "all"); err == nil {
		t.Error("--metrics all: no error")
	}
	table, err := metricsOutput("--embeddings", e, "--uncertainties", u, "--labels", y)
	if err != nil || !strings.Contains(table, "auroc_correct           1\n") {
		t.Errorf("table %q, %v", table, err)
	}
}

func TestMetricsFromSafetensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "all.safetensors")
	var buf bytes.Buffer
	if err := safetensors.Write(&buf, []*safetensors.Tensor{
		safetensors.FromFloat32s("e", []int{3, 1}, []float32{1, 2, -1}),
		safetensors.FromFloat32s("u", []int{3}, []float32{1, 2, 3}),
		{Name: "y", DType: safetensors.U8, Shape: []int{3}, Data: []byte{7, 7, 8}},
	}, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := metricsOutput("--embeddings", path+":e", "--uncertainties", path+":u", "--labels", path+":y", "--json")
	if err != nil || !strings.Contains(text, `"r1": 0.6667`) {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := metricsOutput("--embeddings", path, "--uncertainties", path+":u", "--labels", path+":y"); err == nil || !strings.Contains(err.Error(), "e, u, y") {
		t.Errorf("a file of several arrays without a name: %v", err)
	}
}

func TestMetricsErrors(t *testing.T) {
	nan := float32(math.NaN())
	e := writeArray(t, "e.npy", []int{3, 1}, 1, 2, 3)
	u := writeArray(t, "u.npy", []int{3}, 1, 2, 3)
	y := writeArray(t, "y.npy", []int{3}, 1, 2, 1)
	for _, c := range []struct {
		e, u, y string
		want    string
	}{
		{filepath.Join(t.TempDir(), "none.npy"), u, y, "none.npy: no such file"},
		{"e.csv", u, y, `e.csv: file type ".csv", want .npy, .npz or .safetensors`},
		{writeArray(t, "e3.npy", []int{3}, 1, 2, 3), u, y, "e3.npy: shape [3], want [images, dimensions]"},
		{writeArray(t, "enan.npy", []int{3, 1}, 1, 2, nan), u, y, "enan.npy: row 2: NaN at column 0"},
		{e, writeArray(t, "u2.npy", []int{2}, 1, 2), y, "u2.npy: shape [2], want [images] with 3 images as in " + e},
		{e, writeArray(t, "unan.npy", []int{3}, 1, nan, 3), y, "unan.npy: row 1 is NaN"},
		{e, u, writeArray(t, "yhalf.npy", []int{3}, 1, 0.5, 3), "yhalf.npy: row 1 is 0.5, want a whole number"},
		{e, u, writeArray(t, "y21.npy", []int{3, 1}, 1, 2, 3), "y21.npy: shape [3 1], want [images]"},
	} {
		_, err := metricsOutput("--embeddings", c.e, "--uncertainties", c.u, "--labels", c.y)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
