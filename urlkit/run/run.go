// Package run is a training run on disk: settings, results by epoch, log and
// checkpoints, readable while the run goes on and after it was killed.
//
//	r, err := run.Open("output/train/elk-mini-1")
//	rows, err := r.Summary()                // one row an epoch, the original's columns
//	dir, err := r.Checkpoint("model_best")  // a folder with model.safetensors
//
// A run's folder holds
//
//	args.yaml         every setting, as the original writes it
//	summary.csv       one row per epoch, the original's columns
//	log.txt           what was said
//	events.out.*      TensorBoard's scalars and images
//	checkpoint-N/     the weights (model.safetensors: timm's names and layouts),
//	                  everything else that training needs (state.safetensors) and
//	                  how far it was (progress.json), after epoch N
//	last, model_best  links to two of them
//
// Every file is written under another name, synced and renamed, so a reader and a
// resumed run see the old or the new one, never half of it.
package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Run is a run's folder.
type Run struct {
	Dir string

	mu   sync.Mutex
	log  *os.File
	lock *os.File
}

// Create makes the folder of a new run with its args.yaml. A folder that has one
// already is another run's: an error that says how to continue it.
func Create(dir string, args []byte) (*Run, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%s: can't make the run's folder: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "args.yaml")); err == nil {
		return nil, fmt.Errorf("%s holds a run already: continue it with --resume %s, or choose another --experiment", dir, dir)
	}
	if err := WriteFile(filepath.Join(dir, "args.yaml"), args); err != nil {
		return nil, err
	}
	return &Run{Dir: dir}, nil
}

// Open opens a run's folder.
func Open(dir string) (*Run, error) {
	if _, err := os.Stat(filepath.Join(dir, "args.yaml")); err != nil {
		return nil, fmt.Errorf("%s is not a run: no args.yaml in it", dir)
	}
	return &Run{Dir: dir}, nil
}

// Find opens a run by its folder's path, or by its name below one of the roots; an
// error lists the newest runs there.
func Find(name string, roots ...string) (*Run, error) {
	if r, err := Open(name); err == nil {
		return r, nil
	}
	var known []string
	for _, root := range roots {
		if r, err := Open(filepath.Join(root, name)); err == nil {
			return r, nil
		}
		matches, _ := filepath.Glob(filepath.Join(root, "*", "args.yaml"))
		for _, m := range matches {
			known = append(known, filepath.Base(filepath.Dir(m)))
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("no run %q: there are none in %s", name, strings.Join(roots, ", "))
	}
	sort.Strings(known)
	if len(known) > 5 {
		known = known[len(known)-5:]
	}
	return nil, fmt.Errorf("no run %q in %s: the latest are %s", name, strings.Join(roots, ", "), strings.Join(known, ", "))
}

// Name is the folder's name.
func (r *Run) Name() string { return filepath.Base(r.Dir) }

// Path returns the place of a file of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// Lock keeps a second process from training in the same folder until Close, or
// until this process ends in whatever way.
func (r *Run) Lock() error {
	f, err := os.OpenFile(r.Path(".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%s: another process is training in this folder", r.Dir)
		}
		return fmt.Errorf("%s: lock: %w", r.Dir, err)
	}
	r.lock = f
	return nil
}

// Logf appends a line with the time to log.txt.
func (r *Run) Logf(format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.log == nil {
		f, err := os.OpenFile(r.Path("log.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		r.log = f
	}
	line := fmt.Sprintf(format, args...)
	_, err := fmt.Fprintf(r.log, "%s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), line)
	return err
}

// Close closes the log and releases the lock.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, f := range []*os.File{r.log, r.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	r.log, r.lock = nil, nil
	return err
}

// WriteFile writes a file whole or not at all: under a temporary name in the same
// folder, synced, renamed.
func WriteFile(path string, data []byte) error {
	return writeAtomic(path, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

func writeAtomic(path string, fill func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := fill(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
