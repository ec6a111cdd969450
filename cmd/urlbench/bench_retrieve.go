package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"urlbench/bench"
	"urlbench/npy"
	"urlbench/urlkit/retrieve"
)

type retrieveBench struct {
	rows, dim, threads, repeat int
	python                     string
}

func newBenchRetrieveCmd() *cobra.Command {
	b := retrieveBench{}
	cmd := &cobra.Command{
		Use:   "retrieve",
		Short: "Time the exact nearest-neighbour search beside faiss IndexFlatIP, on the same rows and cores",
		Long: "Draws normal embeddings, searches them with urlkit/retrieve and with faiss in turns, and prints the times,\n" +
			"their ratio, the share of rows for which both find the same neighbour, and the memory above the data.\n" +
			"faiss comes with Debian's python3-faiss or \"pip install faiss-cpu\"; --python names the interpreter that has it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.IntVar(&b.rows, "rows", 60000, "number of embeddings")
	f.IntVar(&b.dim, "dim", 512, "their dimension")
	f.IntVar(&b.threads, "threads", runtime.NumCPU(), "threads of either search")
	f.IntVar(&b.repeat, "repeat", 2, "runs of each, in turns; the best counts")
	f.StringVar(&b.python, "python", "python3", "interpreter with faiss; empty: don't compare")
	return cmd
}

func (b retrieveBench) run(ctx context.Context, w io.Writer) error {
	if b.rows < 2 || b.dim < 1 || b.threads < 1 || b.repeat < 1 {
		return fmt.Errorf("--rows=%d --dim=%d --threads=%d --repeat=%d: want at least 2 rows and 1 of the others", b.rows, b.dim, b.threads, b.repeat)
	}
	x := make([]float32, b.rows*b.dim)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	peer, done, err := b.peer(x)
	if err != nil {
		return err
	}
	defer done()
	if peer == nil && b.python != "" {
		fmt.Fprintf(w, "faiss: %s can't import faiss and numpy: install python3-faiss (Debian) or faiss-cpu (pip), or pass --python\n", b.python)
	}

	before, err := residentPeak()
	if err != nil {
		return err
	}
	var hits *retrieve.Hits
	ours, theirs := time.Duration(0), time.Duration(0)
	var found faissResult
	for range b.repeat {
		start := time.Now()
		if hits, err = retrieve.Cosine(x, b.dim, 1, retrieve.Options{Workers: b.threads}); err != nil {
			return err
		}
		ours = best(ours, time.Since(start))
		if peer != nil {
			if found, err = peer(ctx); err != nil {
				return err
			}
			theirs = best(theirs, time.Duration(found.Seconds*float64(time.Second)))
		}
	}
	after, err := residentPeak()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d rows of %d, %d threads, best of %d in turns\n", b.rows, b.dim, b.threads, b.repeat)
	fmt.Fprintf(w, "urlbench  %8.2f s   %.2f GiB above the data\n", ours.Seconds(), float64(after-before)/(1<<30))
	if peer == nil {
		return nil
	}
	same := 0
	for i, j := range found.neighbours {
		if int64(hits.Index[i]) == j {
			same++
		}
	}
	fmt.Fprintf(w, "faiss     %8.2f s   version %s, IndexFlatIP, %d threads\n", theirs.Seconds(), found.Version, found.Threads)
	fmt.Fprintf(w, "ratio     %8.2f     same neighbour for %.3f %% of the rows\n", theirs.Seconds()/ours.Seconds(), 100*float64(same)/float64(b.rows))
	return nil
}

type faissResult struct {
	Seconds    float64 `json:"seconds"`
	Version    string  `json:"version"`
	Threads    int     `json:"threads"`
	neighbours []int64
}

// peer writes the rows to a file and returns a function that times faiss on it,
// or nil if there is no faiss.
func (b retrieveBench) peer(x []float32) (search func(context.Context) (faissResult, error), done func(), err error) {
	done = func() {}
	if b.python == "" || exec.Command(b.python, "-c", "import faiss, numpy").Run() != nil {
		return nil, done, nil
	}
	dir, err := os.MkdirTemp("", "urlbench-retrieve-")
	if err != nil {
		return nil, done, err
	}
	done = func() { os.RemoveAll(dir) }
	rows, script, out := filepath.Join(dir, "x.npy"), filepath.Join(dir, "retrieve_faiss.py"), filepath.Join(dir, "neighbours.npy")
	if err := os.WriteFile(script, bench.RetrieveFaiss, 0o644); err != nil {
		return nil, done, err
	}
	fh, err := os.Create(rows)
	if err != nil {
		return nil, done, err
	}
	buf := bufio.NewWriterSize(fh, 1<<20)
	for i := 0; i < b.rows && err == nil; i += 1024 {
		// Row after row, so that the file costs no second copy of the data.
		chunk := x[i*b.dim : min(i+1024, b.rows)*b.dim]
		if i == 0 {
			err = npy.WriteHeader(buf, []int{b.rows, b.dim})
		}
		if err == nil {
			err = npy.WriteValues(buf, chunk)
		}
	}
	if err == nil {
		err = buf.Flush()
	}
	if closeErr := fh.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, done, err
	}
	return func(ctx context.Context) (faissResult, error) {
		var result faissResult
		cmd := exec.CommandContext(ctx, b.python, script, rows, strconv.Itoa(b.threads), out)
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return result, fmt.Errorf("faiss peer: %w", err)
		}
		if err := json.Unmarshal(text, &result); err != nil {
			return result, fmt.Errorf("faiss peer printed %.80q: %w", text, err)
		}
		f, err := npy.Open(out)
		if err != nil {
			return result, err
		}
		defer f.Close()
		ids, err := f.Tensor("")
		if err != nil {
			return result, err
		}
		result.neighbours, err = ids.Int64s()
		return result, err
	}, done, nil
}

func best(so, now time.Duration) time.Duration {
	if so == 0 {
		return now
	}
	return min(so, now)
}

// residentPeak returns the most memory that this process has held, in bytes.
func residentPeak() (int64, error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status: no line VmHWM")
}
