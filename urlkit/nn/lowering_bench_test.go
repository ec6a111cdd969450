package nn_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

// BenchmarkConvLowering times resnet50 with its convolutions written in several
// ways on XLA's CPU plugin, and PyTorch's where /usr/bin/python3 has it. All take
// turns within an iteration, so that other work on the machine meets them alike:
//
//	go test ./urlkit/nn -run '^$' -bench ConvLowering -benchtime 5x -timeout 30m
//
// It reports each way's images per second (the fastest round) and its speed
// relative to native convolutions (the median of the rounds' ratios).
func BenchmarkConvLowering(b *testing.B) {
	d := devicetest.XLA(b)
	for _, s := range []struct{ side, batch int }{{32, 64}, {224, 8}} {
		for _, work := range []string{"forward", "train"} {
			b.Run(fmt.Sprintf("resnet50/%dpx/batch%d/%s", s.side, s.batch, work), func(b *testing.B) {
				benchmarkLowerings(b, d, s.side, s.batch, work)
			})
		}
	}
}

func benchmarkLowerings(b *testing.B, d *device.Device, side, batch int, work string) {
	type way struct {
		name    string
		step    func() float64 // runs one and returns its seconds
		seconds []float64
	}
	ways := []*way{{name: "native", step: resnetStep(b, d, side, batch, work, nn.LowerNative, 0)}}
	for _, maxSide := range []int{0, 7, 14, 28, math.MaxInt} {
		name := fmt.Sprintf("im2col<=%d", maxSide)
		switch maxSide {
		case 0:
			name = "1x1"
		case math.MaxInt:
			name = "im2col"
		}
		ways = append(ways, &way{name: name, step: resnetStep(b, d, side, batch, work, nn.LowerXLACPU, maxSide)})
	}
	if step := torchStep(b, side, batch, work); step != nil {
		ways = append(ways, &way{name: "torch", step: step})
	}
	b.ResetTimer()
	for b.Loop() {
		for _, w := range ways {
			w.seconds = append(w.seconds, w.step())
		}
	}
	for _, w := range ways {
		ratios := make([]float64, len(w.seconds))
		for i, s := range w.seconds {
			ratios[i] = ways[0].seconds[i] / s
		}
		slices.Sort(ratios)
		b.ReportMetric(float64(batch)/slices.Min(w.seconds), w.name+"-img/s")
		b.ReportMetric(ratios[len(ratios)/2], w.name+"-ratio")
	}
}

// resnetStep compiles resnet50 written as l has it, with patches up to maxSide.
// Training is forward, cross-entropy, backward and SGD.
func resnetStep(b *testing.B, d *device.Device, side, batch int, work string, l nn.Lowering, maxSide int) func() float64 {
	b.Helper()
	defer nn.SetIm2colMaxSide(maxSide)()
	store := model.NewStore()
	b.Cleanup(store.Finalize)
	exec, err := model.NewExec(d.Backend, store, func(s *model.Scope, x *Node) *Node {
		c := nn.NewContext(s, dtypes.Float32, work == "train")
		c.Lowering = l
		logits := nn.Linear(c.In("fc"), backbone.Features(c, "resnet50", x, backbone.Options{}), 1000)
		first := Slice(LogSoftmax(logits), AxisRange(), AxisRange(0, 1))
		loss := Neg(ReduceAllMean(first))
		if work == "train" {
			var vars []*model.Variable
			var nodes []*Node
			for v := range c.Scope.IterVariables() {
				if v.Trainable {
					vars, nodes = append(vars, v), append(nodes, v.NodeValue(x.Graph()))
				}
			}
			for i, g := range Gradient(loss, nodes...) {
				vars[i].SetNodeValue(Sub(nodes[i], MulScalar(g, 1e-3)))
			}
		}
		return loss
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(exec.Finalize)
	x := make([]float32, batch*side*side*3)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	images := tensors.FromFlatDataAndDimensions(x, batch, side, side, 3)
	step := func() float64 {
		start := time.Now()
		loss, err := exec.Call1(images)
		if err != nil {
			b.Fatal(err)
		}
		if v := float64(loss.Value().(float32)); math.IsNaN(v) { // Value waits for the device
			b.Fatal("the loss is NaN")
		}
		return time.Since(start).Seconds()
	}
	step() // compiles
	return step
}

// torchStep starts the peer; nil where this machine has no PyTorch.
func torchStep(b *testing.B, side, batch int, work string) func() float64 {
	b.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/resnet50_torch.py", strconv.Itoa(side), strconv.Itoa(batch), work)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Logf("no peer: %v", err)
		return nil
	}
	lines := bufio.NewReader(out)
	version, err := lines.ReadString('\n')
	if err != nil {
		b.Logf("no peer: %v", cmd.Wait())
		return nil
	}
	b.Logf("peer: %s", version)
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	return func() float64 {
		if _, err := io.WriteString(in, "step\n"); err != nil {
			b.Fatal(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
		if err != nil {
			b.Fatal(err)
		}
		return seconds
	}
}
