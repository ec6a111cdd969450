package device_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"

	. "github.com/gomlx/gomlx/core/graph"
)

func TestEveryBackendComputes(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		exec, err := NewExec(d.Backend, func(x *Node) *Node { return ReduceAllSum(Square(x)) })
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call1([]float32{3, 4})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Value().(float32); got != 25 {
			t.Errorf("sum of squares %v, want 25", got)
		}
	})
}

func TestOpenHonoursTheEnvironment(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "go")
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	if d.Kind != device.PureGo || d.Plugin != "" || d.Lowering() != nn.LowerMatMul {
		t.Errorf("GOMLX_BACKEND=go opened %v (%q)", d, d.Kind)
	}
}

func TestOpenNamesWhatItCannotOpen(t *testing.T) {
	for _, config := range []string{"xla:/nowhere/plugin.so", "no-such-backend"} {
		t.Setenv("GOMLX_BACKEND", config)
		if d, err := device.Open(); err == nil || !strings.Contains(err.Error(), config) {
			t.Errorf("GOMLX_BACKEND=%s: device %v, error %v; want an error that names it", config, d, err)
		}
	}
}

func TestPluginIsFoundWhereThePathSays(t *testing.T) {
	dir := t.TempDir()
	want := filepath.Join(dir, "pjrt_c_api_cuda_plugin.so")
	if err := os.WriteFile(want, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", dir)
	if got := device.FindPlugin("cuda"); got != want {
		t.Errorf("FindPlugin(cuda) = %q, want %q", got, want)
	}
}

func TestSharedBackend(t *testing.T) {
	a, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	b, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	if a.Backend != b.Backend {
		t.Error("a second Open made a second backend; a plugin can be loaded only once")
	}
}
