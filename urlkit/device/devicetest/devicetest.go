// Package devicetest hands tests the backends that they must agree on.
package devicetest

import (
	"os"
	"testing"

	"urlbench/urlkit/device"
)

// Each runs the test on the pure Go backend and, where a plugin is there, on XLA:
// the subtests "go" and "xla".
func Each(t *testing.T, test func(t *testing.T, d *device.Device)) {
	t.Run("go", func(t *testing.T) {
		d, err := device.OpenConfig("go")
		if err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
	t.Run("xla", func(t *testing.T) { test(t, XLA(t)) })
}

// XLA returns the XLA CPU device, and skips the test where no plugin is.
func XLA(t testing.TB) *device.Device {
	t.Helper()
	plugin := device.FindPlugin("cpu")
	if plugin == "" {
		t.Skip("no XLA CPU plugin on this machine (make setup brings one)")
	}
	d, err := device.OpenConfig("xla:" + plugin)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// CompileFast makes XLA optimise less in this test binary, which halves the time of
// tests that compile many small graphs; numbers agree to rounding. Call it in
// TestMain, before a device is opened. XLA_FLAGS, where set, stays as it is.
func CompileFast() {
	if os.Getenv("XLA_FLAGS") == "" {
		os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
	}
}
