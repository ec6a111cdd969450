package notebook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Runner executes notebooks headless.
type Runner struct {
	Jupyter string   // the jupyter program
	Env     []string // its environment
	Log     io.Writer
}

// Execute runs every cell of the notebook in a fresh kernel and writes the
// executed notebook under its own name into dir; a cell that fails is an error
// that names it.
func (r *Runner) Execute(ctx context.Context, path, dir string) (*Notebook, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// The default limit of a cell is 30 s or none, depending on the version;
	// training cells take minutes.
	err := r.run(ctx, "nbconvert", "--to", "notebook", "--execute", "--allow-errors",
		"--ExecutePreprocessor.timeout=1200", "--ExecutePreprocessor.kernel_name=gonb",
		"--output-dir", dir, path)
	if err != nil {
		return nil, fmt.Errorf("execute %s: %w", path, err)
	}
	nb, err := Read(filepath.Join(dir, filepath.Base(path)))
	if err != nil {
		return nil, err
	}
	if failed := nb.Errors(); len(failed) > 0 {
		return nb, errors.New(strings.Join(failed, "; "))
	}
	return nb, nil
}

// lessonNumber is the course's order in a file's name, which a page does not need.
var lessonNumber = regexp.MustCompile(`^[0-9]+_`)

// HTML writes the notebook as a page into dir and returns its path: quickstart.html
// for 00_quickstart.ipynb.
func (r *Runner) HTML(ctx context.Context, path, dir string) (string, error) {
	name := lessonNumber.ReplaceAllString(strings.TrimSuffix(filepath.Base(path), ".ipynb"), "")
	if err := r.run(ctx, "nbconvert", "--to", "html", "--output-dir", dir, "--output", name, path); err != nil {
		return "", fmt.Errorf("%s to HTML: %w", path, err)
	}
	return filepath.Join(dir, name+".html"), nil
}

func (r *Runner) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, r.Jupyter, args...)
	cmd.Env = r.Env
	cmd.Stdout, cmd.Stderr = r.Log, r.Log
	// The kernel, gopls and the cell's program outlive a killed nbconvert: they
	// share a process group, which goes as a whole.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd.Run()
}
