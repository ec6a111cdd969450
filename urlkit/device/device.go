// Package device chooses what runs the work: a PJRT plugin (XLA on a GPU or on the
// CPU) or GoMLX's pure Go backend, which is always there and slow.
//
//	dev, err := device.Open()     // GOMLX_BACKEND, else CUDA, else XLA CPU, else Go
//	fmt.Println(dev)              // "XLA CPU, pjrt_c_api_cpu_plugin.so, 4 devices"
//
// One backend is made per process and shared: a plugin can be loaded only once.
package device

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the backend that needs nothing
	"github.com/gomlx/go-xla/compute/xla"

	"urlbench/urlkit/nn"
)

// Kind tells backends apart by how work must be written for them.
type Kind string

// The kinds of backend.
const (
	XLACPU  Kind = "XLA CPU"
	XLACUDA Kind = "XLA CUDA"
	PureGo  Kind = "pure Go"
	Other   Kind = "other"
)

// Device is an open backend.
type Device struct {
	Backend compute.Backend
	Kind    Kind
	Plugin  string // path of the PJRT plugin, empty for pure Go
	Note    string // why nothing faster runs, empty if nothing is missing
}

// Lowering returns how convolutions are best written for this device.
func (d *Device) Lowering() nn.Lowering {
	switch d.Kind {
	case XLACPU:
		return nn.LowerXLACPU
	case PureGo:
		return nn.LowerMatMul
	}
	return nn.LowerNative
}

// String is the one line said at the start of a run.
func (d *Device) String() string {
	s := string(d.Kind)
	if d.Plugin != "" {
		s += ", " + filepath.Base(d.Plugin)
	}
	n := d.Backend.NumDevices()
	s += fmt.Sprintf(", %d device", n)
	if n != 1 {
		s += "s"
	}
	if d.Note != "" {
		s += " (" + d.Note + ")"
	}
	return s
}

var (
	openMu sync.Mutex
	opened = map[string]*Device{}
)

// Open returns the process's device, chosen by GOMLX_BACKEND if it is set, else
// the first that works of CUDA (where a GPU is), XLA on the CPU, pure Go.
func Open() (*Device, error) {
	if config, ok := os.LookupEnv("GOMLX_BACKEND"); ok && config != "" {
		d, err := OpenConfig(config)
		if err != nil {
			return nil, fmt.Errorf("GOMLX_BACKEND=%s: %w", config, err)
		}
		return d, nil
	}
	var failed []string
	if HasGPU() {
		plugin := FindPlugin("cuda")
		if plugin == "" {
			failed = append(failed, "a GPU but no CUDA plugin: pip install jax-cuda13-pjrt==0.11.2")
		} else if d, err := OpenConfig("xla:" + plugin); err == nil {
			return d, nil
		} else {
			failed = append(failed, "CUDA plugin: "+firstLine(err))
		}
	}
	if plugin := FindPlugin("cpu"); plugin == "" {
		failed = append(failed, "no XLA CPU plugin: make setup")
	} else if d, err := OpenConfig("xla:" + plugin); err == nil {
		d.Note = strings.Join(failed, "; ")
		return d, nil
	} else {
		failed = append(failed, "XLA CPU plugin: "+firstLine(err))
	}
	d, err := OpenConfig("go")
	if err != nil {
		return nil, err
	}
	d.Note = strings.Join(failed, "; ")
	return d, nil
}

// OpenConfig opens a backend by GoMLX's configuration string, such as "go" or
// "xla:/path/to/plugin.so"; a second call with the same string shares the first's.
func OpenConfig(config string) (*Device, error) {
	openMu.Lock()
	defer openMu.Unlock()
	if d := opened[config]; d != nil {
		copied := *d
		return &copied, nil
	}
	// go-xla would otherwise look for downloads of its own at every start.
	if _, set := os.LookupEnv("GOMLX_NO_AUTO_INSTALL"); !set {
		xla.EnableAutoInstall(false)
	}
	backend, err := newBackend(config)
	if err != nil {
		return nil, err
	}
	d := &Device{Backend: backend}
	name, rest, _ := strings.Cut(config, ":")
	switch name {
	case "go":
		d.Kind = PureGo
	case "xla", "stablehlo", "shlo", "hlo", "pjrt":
		d.Plugin, _, _ = strings.Cut(rest, ",")
		d.Kind = XLACPU
		if strings.Contains(strings.ToLower(rest), "cuda") {
			d.Kind = XLACUDA
		}
	default:
		d.Kind = Other
	}
	opened[config] = d
	copied := *d
	return &copied, nil
}

func newBackend(config string) (b compute.Backend, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return compute.NewWithConfig(config)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// HasGPU reports whether the machine shows an NVIDIA GPU.
func HasGPU() bool {
	m, _ := filepath.Glob("/dev/nvidia[0-9]*")
	return len(m) > 0
}

// pluginFiles are the names under which Python packages carry the plugins.
var pluginFiles = map[string][]string{
	"cpu":  {"lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"},
	"cuda": {"jax_plugins/xla_cuda13/xla_cuda_plugin.so", "jax_plugins/xla_cuda12/xla_cuda_plugin.so"},
}

// FindPlugin returns the path of the PJRT plugin for "cpu" or "cuda", or "" if
// there is none. It looks in PJRT_PLUGIN_LIBRARY_PATH, in the virtual
// environments that are active or that `make setup` made, and where go-xla's own
// installer puts plugins.
func FindPlugin(name string) string {
	for _, candidate := range PluginCandidates(name) {
		if matches, _ := filepath.Glob(candidate); len(matches) > 0 {
			return matches[len(matches)-1]
		}
	}
	return ""
}

// PluginCandidates lists the patterns that FindPlugin tries, in order.
func PluginCandidates(name string) []string {
	file := "pjrt_c_api_" + name + "*plugin.so"
	var out []string
	for _, dir := range filepath.SplitList(os.Getenv("PJRT_PLUGIN_LIBRARY_PATH")) {
		out = append(out, filepath.Join(dir, file))
	}
	for _, env := range []string{os.Getenv("VIRTUAL_ENV"), filepath.Join(Root(), ".venv")} {
		if env == "" {
			continue
		}
		for _, f := range pluginFiles[name] {
			out = append(out, filepath.Join(env, "lib", "python3*", "site-packages", f))
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		out = append(out,
			filepath.Join(home, ".local", "lib", "go-xla", file),
			filepath.Join(home, ".local", "lib", "go-xla", "nvidia", file))
	}
	return append(out, "/usr/local/lib/go-xla/"+file, "/usr/local/lib/go-xla/nvidia/"+file)
}

// Root returns the folder of urlbench's source where this program was built from
// it, so that a notebook's cell finds the plugin that `make setup` installed,
// wherever the cell runs; "" elsewhere.
func Root() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return ""
	}
	root := filepath.Join(filepath.Dir(file), "..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return ""
	}
	return root
}
