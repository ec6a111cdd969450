package urlbench

import (
	"os/exec"
	"strings"
	"testing"
)

// A notebook cell that links GoMLX and XLA takes seconds to build; one that only
// draws or measures must not. Nothing below may reach GoMLX, however indirectly.
var freeOfGoMLX = []string{
	"urlbench/figures/...", "urlbench/data/...", "urlbench/safetensors",
	"urlbench/urlkit/metric", "urlbench/urlkit/retrieve", "urlbench/urlkit/run",
	"urlbench/urlkit/results", "urlbench/urlkit/config", "urlbench/urlkit/semantics",
}

// No layer reaches back up: package on the left, what it must not import.
var forbidden = map[string][]string{
	"urlbench/urlkit/nn/...":            {"urlbench/urlkit/backbone", "urlbench/urlkit/method", "urlbench/urlkit/train", "urlbench/data"},
	"urlbench/urlkit/loss":              {"urlbench/urlkit/method", "urlbench/urlkit/train", "urlbench/urlkit/backbone"},
	"urlbench/urlkit/uncertainty":       {"urlbench/urlkit/method", "urlbench/urlkit/train", "urlbench/urlkit/loss"},
	"urlbench/urlkit/head":              {"urlbench/urlkit/method", "urlbench/urlkit/train"},
	"urlbench/urlkit/backbone":          {"urlbench/urlkit/method", "urlbench/urlkit/train", "urlbench/urlkit/loss", "urlbench/urlkit/head"},
	"urlbench/urlkit/method":            {"urlbench/urlkit/train", "urlbench/urlkit/evaluate", "urlbench/data"},
	"urlbench/urlkit/evaluate":          {"urlbench/urlkit/train", "urlbench/figures"},
	"urlbench/urlkit/train":             {"urlbench/figures", "urlbench/urlkit"},
	"urlbench/figures/...":              {"urlbench/urlkit/train", "urlbench/urlkit/method", "urlbench/urlkit"},
	"urlbench/urlkit/metric":            {"urlbench/data"},
	"urlbench/data/...":                 {"urlbench/urlkit", "urlbench/urlkit/train", "urlbench/urlkit/evaluate", "urlbench/figures"},
	"urlbench/internal/fixture":         {"urlbench/urlkit", "urlbench/data"},
	"urlbench/urlkit/device":            {"urlbench/urlkit/train", "urlbench/urlkit/method", "urlbench/data"},
	"urlbench/urlkit/optim":             {"urlbench/urlkit/method", "urlbench/urlkit/train", "urlbench/urlkit/loss"},
	"urlbench/urlkit/weights":           {"urlbench/urlkit/train", "urlbench/data"},
	"urlbench/urlkit/device/devicetest": {"urlbench/urlkit/train"},
}

func deps(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pattern).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pattern, err)
	}
	set := map[string]bool{}
	for _, line := range strings.Fields(string(out)) {
		set[line] = true
	}
	if len(set) == 0 {
		t.Fatalf("%s matches no package", pattern)
	}
	return set
}

func TestLightPackagesDoNotLinkGoMLX(t *testing.T) {
	for _, pattern := range freeOfGoMLX {
		for dep := range deps(t, pattern) {
			if strings.HasPrefix(dep, "github.com/gomlx/") {
				t.Errorf("%s imports %s, directly or not", pattern, dep)
			}
		}
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for pattern, no := range forbidden {
		set := deps(t, pattern)
		for _, pkg := range no {
			if set[pkg] {
				t.Errorf("%s imports %s, directly or not", pattern, pkg)
			}
		}
	}
}
