package bench

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"urlbench/data/pixel"
	"urlbench/data/transform"
)

// InputOptions are the parameters of Input; zero fields mean the value in brackets.
type InputOptions struct {
	Dir           string        // where the JPEG files are generated [a temporary folder, removed afterwards]
	Images        int           // files [64]
	Width, Height int           // of the files [500x375]
	Size          int           // of the transformed square [224]
	Rounds        int           // of each side, in turns [5]
	Round         time.Duration // CPU time a round takes at least [1 s]
	Python        string        // an interpreter with torchvision [looked for]
}

func (o InputOptions) withDefaults() InputOptions {
	set := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	set(&o.Images, 64)
	set(&o.Width, 500)
	set(&o.Height, 375)
	set(&o.Size, 224)
	set(&o.Rounds, 5)
	if o.Round == 0 {
		o.Round = time.Second
	}
	return o
}

// InputRow compares one task: decoding alone, or with a transform.
type InputRow struct {
	Task       string
	Rate, Peer []float64 // images per second of CPU time, by round; Peer is empty without a peer
	AllCores   float64   // images per second of wall time, with a worker per core
}

// Ratio is the median over rounds of our rate by the peer's.
func (r InputRow) Ratio() float64 {
	ratios := make([]float64, len(r.Peer))
	for i, p := range r.Peer {
		ratios[i] = r.Rate[i] / p
	}
	return median(ratios)
}

// InputReport is what Input measured.
type InputReport struct {
	Options   InputOptions
	FileBytes int    // mean size of the files
	Peer      string // the peer and its versions, or why there is none
	Rows      []InputRow
}

// Input measures how many images a core prepares per second, from files in the page
// cache to transformed bytes, side by side with torchvision on Pillow in a second
// process. Both run on one thread and are charged their CPU time; they take turns,
// so that a busy or throttled machine slows both.
func Input(ctx context.Context, o InputOptions) (*InputReport, error) {
	o = o.withDefaults()
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "urlbench-input-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	paths, size, err := Photos(o.Dir, o.Images, o.Width, o.Height, 1)
	if err != nil {
		return nil, err
	}
	report := &InputReport{Options: o, FileBytes: size}
	peer, err := startPeer(ctx, o)
	if err != nil {
		report.Peer = err.Error()
	} else {
		defer peer.close()
		report.Peer = peer.name
	}
	for _, task := range inputTasks(o.Size) {
		row := InputRow{Task: task.name}
		for range o.Rounds {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			rate, err := task.rate(paths, o.Round)
			if err != nil {
				return nil, err
			}
			row.Rate = append(row.Rate, rate)
			if peer == nil {
				continue
			}
			if rate, err = peer.rate(task.name, o.Round); err != nil {
				return nil, err
			}
			row.Peer = append(row.Peer, rate)
		}
		if row.AllCores, err = task.allCores(paths, o.Round); err != nil {
			return nil, err
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}

// inputTask is one thing to do with a file.
type inputTask struct {
	name      string
	transform transform.Transform // nil decodes only
	bytes     int
}

func inputTasks(size int) []inputTask {
	n := 3 * size * size
	return []inputTask{
		{"decode", nil, 0},
		{"train", transform.Train(transform.DefaultTrain(size)), n},
		{"eval", transform.Eval(transform.EvalConfig{Size: size}), n},
	}
}

func (t inputTask) do(path string, index int, dst []uint8) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	img, err := pixel.Open(data, pixel.Options{Name: path})
	if err != nil {
		return err
	}
	defer img.Release()
	if t.transform == nil {
		return img.Load(img.Bounds())
	}
	return t.transform(transform.RNG(1, 0, index), img, dst)
}

// rate repeats the task on one goroutine and returns images per CPU second of the
// whole process, the garbage collector included.
func (t inputTask) rate(paths []string, atLeast time.Duration) (float64, error) {
	dst := make([]uint8, t.bytes)
	runtime.GC()
	start := cpuTime()
	for n := 1; ; n++ {
		if err := t.do(paths[n%len(paths)], n, dst); err != nil {
			return 0, err
		}
		if n%len(paths) == 0 {
			if spent := cpuTime() - start; spent >= atLeast {
				return float64(n) / spent.Seconds(), nil
			}
		}
	}
}

// allCores runs a worker per core and returns images per second of wall time.
func (t inputTask) allCores(paths []string, atLeast time.Duration) (float64, error) {
	var next, done atomic.Int64
	var failed atomic.Value
	start := time.Now()
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			dst := make([]uint8, t.bytes)
			for time.Since(start) < atLeast {
				i := int(next.Add(1))
				if err := t.do(paths[i%len(paths)], i, dst); err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(done.Load()) / time.Since(start).Seconds(), nil
}

// Write prints the report as a table.
func (r *InputReport) Write(w io.Writer) error {
	o := r.Options
	fmt.Fprintf(w, "input: %d generated JPEG files of %dx%d, %d kB each, to %dx%d; images per second of one core's time, medians of %d rounds\n",
		o.Images, o.Width, o.Height, r.FileBytes/1000, o.Size, o.Size, o.Rounds)
	fmt.Fprintf(w, "peer: %s\n\n", r.Peer)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "task\turlbench\tms\tpeer\tms\tratio\tlowest\thighest\t%d cores\t\n", runtime.GOMAXPROCS(0))
	for _, row := range r.Rows {
		ours := median(row.Rate)
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t", row.Task, ours, 1000/ours)
		if len(row.Peer) == 0 {
			fmt.Fprint(t, "-\t-\t-\t-\t-\t")
		} else {
			low, high := row.Rate[0]/row.Peer[0], row.Rate[0]/row.Peer[0]
			for i := range row.Peer {
				low, high = min(low, row.Rate[i]/row.Peer[i]), max(high, row.Rate[i]/row.Peer[i])
			}
			peer := median(row.Peer)
			fmt.Fprintf(t, "%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t", peer, 1000/peer, row.Ratio(), low, high)
		}
		fmt.Fprintf(t, "%.0f\t\n", row.AllCores)
	}
	return t.Flush()
}

func median(values []float64) float64 {
	s := append([]float64(nil), values...)
	sort.Float64s(s)
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

//go:embed input_torchvision.py
var peerScript string

// peer is a running peer script: it reads "task seconds" lines and answers each with
// a line of JSON.
type peer struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
}

// startPeer runs the peer script in the first interpreter that has torchvision.
func startPeer(ctx context.Context, o InputOptions) (*peer, error) {
	candidates := []string{".venv/bin/python", "python3", "/usr/bin/python3"}
	if o.Python != "" {
		candidates = []string{o.Python}
	}
	var problems []string
	for _, python := range candidates {
		cmd := exec.CommandContext(ctx, python, "-c", peerScript, o.Dir, fmt.Sprint(o.Size))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		p := &peer{cmd: cmd, in: in, out: bufio.NewScanner(out)}
		if p.out.Scan() {
			p.name = p.out.Text()
			return p, nil
		}
		p.close()
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		problems = append(problems, python+": "+lines[len(lines)-1])
	}
	return nil, fmt.Errorf("none: --python must name an interpreter with torchvision and Pillow (%s)", strings.Join(problems, "; "))
}

func (p *peer) rate(task string, atLeast time.Duration) (float64, error) {
	if _, err := fmt.Fprintln(p.in, task, atLeast.Seconds()); err != nil {
		return 0, fmt.Errorf("the peer script: %w", err)
	}
	if !p.out.Scan() {
		return 0, errors.Join(errors.New("the peer script ended early"), p.out.Err())
	}
	var answer struct{ Images, CPU float64 }
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		return 0, fmt.Errorf("the peer script said %q: %w", p.out.Text(), err)
	}
	return answer.Images / answer.CPU, nil
}

func (p *peer) close() {
	p.in.Close()
	p.cmd.Wait() // its exit status says nothing that its answers have not said
}
