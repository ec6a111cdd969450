package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"urlbench/urlkit/device"
)

func newLabCmd() *cobra.Command {
	var installOnly bool
	cmd := &cobra.Command{
		Use:   "lab [flags] [-- flags of jupyter lab]",
		Short: "Open JupyterLab on the notebooks, with the Go kernel installed",
		Long: "Installs the GoNB kernel so that any notebook can import urlbench, then opens JupyterLab on notebooks/.\n" +
			"With --install-only it stops after the kernel: for a Jupyter of your own, VS Code or a remote server.",
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := installKernel()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Go kernel: %s\n", spec)
			if installOnly {
				return nil
			}
			return openLab(cmd, args)
		},
	}
	cmd.Flags().BoolVar(&installOnly, "install-only", false, "install the Go kernel and stop")
	return cmd
}

func openLab(cmd *cobra.Command, args []string) error {
	jupyter, err := findTool("jupyter")
	if err != nil {
		return err
	}
	if os.Geteuid() == 0 { // JupyterLab refuses root without it; containers run as root
		args = append([]string{"--allow-root"}, args...)
	}
	lab := exec.CommandContext(cmd.Context(), jupyter, append([]string{"lab", "--notebook-dir=" + projectFile("notebooks")}, args...)...)
	lab.Env = kernelEnv(os.Environ())
	lab.Stdin, lab.Stdout, lab.Stderr = os.Stdin, os.Stdout, os.Stderr
	return lab.Run()
}

// installKernel registers GoNB with Jupyter (in JUPYTER_DATA_DIR if set, else the
// user's folder) so that every notebook sees this checkout's packages, and returns
// the folder of the kernel's specification.
func installKernel() (string, error) {
	root := device.Root()
	if root == "" {
		return "", fmt.Errorf("lab: this urlbench was not built from a checkout that still exists; build it there with: make build")
	}
	gonb, err := findTool("gonb")
	if err != nil {
		return "", err
	}
	install := exec.Command(gonb, "--install", "--go_work="+root, "--logtostderr=false")
	install.Env = kernelEnv(os.Environ())
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("gonb --install: %v: %s", err, strings.TrimSpace(string(out)))
	}
	spec := kernelSpec()
	if spec == "" {
		return "", fmt.Errorf("gonb --install ended well but no kernel.json was found; set JUPYTER_DATA_DIR to Jupyter's data folder")
	}
	return spec, addKernelEnv(filepath.Join(spec, "kernel.json"))
}

// addKernelEnv writes into the kernel's specification what its cells need, so that
// they get it from whatever starts Jupyter.
func addKernelEnv(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(data, &spec); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	env := map[string]string{}
	for _, kv := range kernelEnv(nil) {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	spec["env"] = env
	if data, err = json.MarshalIndent(spec, "", " "); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// kernelEnv returns base with the project's tools first on PATH, and without
// settings that break a cell's build.
func kernelEnv(base []string) []string {
	path := os.Getenv("PATH")
	if bin := projectFile("bin"); !strings.HasPrefix(path, bin) {
		path = bin + string(os.PathListSeparator) + path
	}
	out := []string{"PATH=" + path, "GOMLX_NO_AUTO_INSTALL=1"}
	for _, kv := range base {
		switch key, value, _ := strings.Cut(kv, "="); {
		case key == "PATH", key == "GOMLX_NO_AUTO_INSTALL":
		case key == "GOFLAGS" && strings.Contains(value, "-mod=mod"): // a cell's go.work forbids it
		default:
			out = append(out, kv)
		}
	}
	return out
}

// kernelSpec returns the folder of the installed GoNB kernel, "" if there is none.
func kernelSpec() string {
	var dirs []string
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		dirs = append(dirs, dir)
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".local", "share", "jupyter"), filepath.Join(home, "Library", "Jupyter"))
	}
	if dir := projectFile(".venv", "share", "jupyter"); dir != "" {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		if spec := filepath.Join(dir, "kernels", "gonb"); exists(filepath.Join(spec, "kernel.json")) {
			return spec
		}
	}
	return ""
}

// findTool returns a program of the checkout, else of PATH.
func findTool(name string) (string, error) {
	for _, dir := range []string{projectFile("bin"), projectFile(".venv", "bin")} {
		if path := filepath.Join(dir, name); dir != "" && exists(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: make setup", name)
	}
	return path, nil
}
