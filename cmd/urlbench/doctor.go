package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"urlbench/urlkit/device"
)

func newDoctorCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what runs the work here, what is missing and the command that mends it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return doctor(cmd.OutOrStdout()) },
	}
}

// finding is one thing the doctor looked at.
type finding struct {
	what, found string
	mend        string // the command that mends it, empty if nothing is amiss
}

func doctor(w io.Writer) error {
	dev, err := device.Open()
	if err != nil {
		return fmt.Errorf("no backend opens: %w; unset GOMLX_BACKEND to let urlbench choose", err)
	}
	row := func(name, value string) { fmt.Fprintf(w, "%-12s %s\n", name, value) }
	row("backend", dev.String())
	if dev.Plugin != "" {
		row("plugin", dev.Plugin)
	}
	for i := range dev.Backend.NumDevices() {
		row(fmt.Sprintf("device %d", i), dev.Backend.DeviceDescription(compute.DeviceNum(i)))
	}
	row("go", runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	for _, path := range []string{"github.com/gomlx/gomlx", "github.com/gomlx/compute", "github.com/gomlx/go-xla", "github.com/janpfeifer/gonb"} {
		row(filepath.Base(path), moduleVersion(path))
	}

	missing := 0
	for _, f := range lookAround() {
		mark := "ok      "
		if f.mend != "" {
			mark, missing = "missing ", missing+1
		}
		fmt.Fprintf(w, "%s%s", mark, f.what)
		if f.found != "" {
			fmt.Fprintf(w, ": %s", f.found)
		}
		fmt.Fprintln(w)
		if f.mend != "" {
			fmt.Fprintf(w, "        mend it with: %s\n", f.mend)
		}
	}
	if missing == 0 {
		fmt.Fprintln(w, "Nothing is missing.")
	}
	return nil
}

// lookAround checks what the work and the notebooks need.
func lookAround() []finding {
	var out []finding
	plugin := func(name, what, mend string) {
		f := finding{what: what, found: device.FindPlugin(name)}
		if f.found == "" {
			f.mend = mend
		}
		out = append(out, f)
	}
	plugin("cpu", "XLA CPU plugin (without it the pure Go backend runs, slowly)", "make setup")
	if device.HasGPU() {
		plugin("cuda", "XLA CUDA plugin for the GPU that is here", "make setup-cuda")
	}
	binary := func(name, what, mend string) {
		f := finding{what: what}
		if path, err := exec.LookPath(name); err == nil {
			f.found = path
		} else if local := projectFile("bin", name); exists(local) {
			f.found = local
		} else if local := projectFile(".venv", "bin", name); exists(local) {
			f.found = local
		} else {
			f.mend = mend
		}
		out = append(out, f)
	}
	binary("go", "Go toolchain (notebook cells are compiled)", "install Go 1.26 or newer from https://go.dev/dl")
	binary("cc", "C compiler (the XLA plugin is loaded through cgo)", "apt-get install gcc libc6-dev")
	binary("gonb", "GoNB kernel", "make setup")
	binary("goimports", "goimports (GoNB needs it)", "make setup")
	binary("gopls", "gopls (completion in notebooks)", "make setup")
	binary("jupyter", "Jupyter", "make setup")
	kernel := finding{what: "GoNB kernel specification", found: kernelSpec()}
	if kernel.found == "" {
		kernel.mend = "make setup, or for another Jupyter: urlbench lab --install-only"
	}
	return append(out, kernel)
}

func exists(path string) bool {
	if path == "" {
		return false
	}
	_, err := os.Stat(path)
	return err == nil
}

// projectFile returns a path inside the checkout that this program was built
// from, "" if that is not there.
func projectFile(elem ...string) string {
	root := device.Root()
	if root == "" {
		return ""
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return strings.TrimSpace(dep.Version)
		}
	}
	return "not linked"
}
