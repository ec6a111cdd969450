package evaluate

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/data/pixel"
	"urlbench/internal/fixture"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/method"
	"urlbench/urlkit/nn"
)

// TestFixtureCheckpoint writes the recorded resnet50's weights as the original
// saves a checkpoint and takes them the way of `urlbench validate`: flags, file,
// model, evaluator, answers. In place of a photo the network is given the recorded
// input, which no uint8 pixels can hold.
func TestFixtureCheckpoint(t *testing.T) {
	d := devicetest.XLA(t)
	walked := 0
	for _, c := range fixture.Open(t, "models/backbones.safetensors").Cases() {
		var meta struct {
			Model         string
			UncModule     string `json:"unc_module"`
			Seed          uint64
			Batch         int
			Height, Width int
			Manifest      string
			Kwargs        map[string]any `json:"create_model_kwargs"`
		}
		c.Meta(t, &meta)
		if meta.Model != "resnet50" || meta.Height != meta.Width || meta.Height > 64 || len(meta.Kwargs) > 0 {
			continue // package method walks all; this one is about the file's way
		}
		walked++
		t.Run(c.Name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "model_best.pth.tar")
			writeCheckpoint(t, file, meta.Model, meta.Manifest, meta.Seed)
			cfg, err := config.ParseValidate([]string{"--model=" + meta.Model, "--unc_module=" + meta.UncModule,
				fmt.Sprintf("--img-size=%d", meta.Height), fmt.Sprintf("--batch-size=%d", meta.Batch), "--checkpoint=" + file})
			if err != nil {
				t.Fatal(err)
			}
			m, err := LoadWeights(d, cfg, cfg.Checkpoint)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Store.Finalize()
			if m.Classes != 1000 {
				t.Errorf("%d classes, the checkpoint has 1000", m.Classes)
			}
			input := recordedInput(meta.Seed, meta.Batch, meta.Height, meta.Width)
			forward := m.Forward
			m.Forward = func(c *nn.Context, images *Node) method.Outputs {
				x := Reshape(Const(images.Graph(), input), meta.Batch, meta.Height, meta.Width, 3)
				images.AssertDims(x.Shape().Dimensions...)
				return forward(c, x)
			}
			e, err := New(m, OptionsOf(cfg))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			a, err := e.Answers(t.Context(), plain{meta.Batch, meta.Height})
			if err != nil {
				t.Fatal(err)
			}
			for name, got := range map[string][]float32{"out.logits": a.Samples.Logits, "out.features": a.Samples.Features, "out.unc": a.Samples.Uncertainty} {
				c.Compare(t, name, ".pth.tar, "+string(d.Kind)+" float32", widened(got), fixture.RelMax(1e-4))
			}
			if metrics, err := a.Metrics(); err != nil || len(metrics) < 8 {
				t.Errorf("metrics %v, %v", metrics, err)
			}
		})
	}
	if walked == 0 {
		t.Fatal("no resnet50 of at most 64 x 64")
	}
}

// plain is a data set of n grey images of one class.
type plain struct{ n, size int }

func (p plain) Name() string       { return "grey" }
func (p plain) Len() int           { return p.n }
func (p plain) Classes() []string  { return []string{"grey"} }
func (p plain) Label(int) int      { return 0 }
func (p plain) Soft(int) []float64 { return nil }
func (p plain) ID(i int) string    { return fmt.Sprint(i) }
func (p plain) Image(int) (*pixel.Image, error) {
	return &pixel.Image{W: p.size, H: p.size, Pix: make([]uint8, 3*p.size*p.size)}, nil
}

// n24 are the formula's 24 random bits (README of the models' fixtures, section 1).
func n24(seed, k, j uint64) uint64 {
	z := seed<<48 + k<<32 + j + 0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return (z ^ (z >> 31)) >> 40
}

func symmetric(seed, k, j uint64) float64 { return float64(n24(seed, k, j))/(1<<24)*2 - 1 }

// recordedInput is the case's batch [n, h, w, 3].
func recordedInput(seed uint64, n, h, w int) []float32 {
	out := make([]float32, n*h*w*3)
	for i := range out {
		c, x, y, image := i%3, i/3%w, i/3/w%h, i/3/w/h
		j := ((image*3+c)*h+y)*w + x
		out[i] = float32(symmetric(seed, 65535, uint64(j)) + 1.5*math.Sin(0.05*float64(image+1)*float64(y+2*x)+float64(c)+float64(image)))
	}
	return out
}

// writeCheckpoint writes what the original's CheckpointSaver does: torch.save's
// archive of the epoch, the architecture, the wrapped model's state_dict, an
// optimiser, the arguments and the metric.
func writeCheckpoint(t *testing.T, path, arch, manifest string, seed uint64) {
	t.Helper()
	raw, err := os.ReadFile(fixture.Path("models/" + manifest))
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		K          uint64
		Name, Kind string
		Shape      []int
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	add := func(name string, content []byte) {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var p pickler
	p.WriteString("\x80\x02}(")
	p.text("epoch")
	p.number(31)
	p.text("arch")
	p.text(arch)
	p.text("state_dict")
	p.WriteString("ccollections\nOrderedDict\n)R(")
	for i, e := range entries {
		if !strings.HasPrefix(e.Name, "model.") {
			t.Fatalf("%s: entry %s has no prefix of the wrapper", manifest, e.Name)
		}
		size, fanIn := 1, 1
		for d, n := range e.Shape {
			if size *= n; d > 0 {
				fanIn *= n
			}
		}
		var content []byte
		kind := "LongStorage"
		if e.Kind == "zero_i64" {
			content = make([]byte, 8*size)
		} else {
			kind = "FloatStorage"
			offset, scale := 0.0, 0.1
			switch e.Kind {
			case "weight":
				scale = math.Sqrt(3 / float64(fanIn))
			case "norm_weight", "running_var":
				offset = 1
			case "bias", "norm_bias", "running_mean":
			default:
				t.Fatalf("%s: unknown kind %q", e.Name, e.Kind)
			}
			content = make([]byte, 0, 4*size)
			for j := range size {
				content = binary.LittleEndian.AppendUint32(content, math.Float32bits(float32(offset+scale*symmetric(seed, e.K, uint64(j)))))
			}
		}
		add(fmt.Sprintf("data/%d", i), content)
		p.text(e.Name)
		p.tensor(kind, i, size, e.Shape)
	}
	p.WriteString("u")
	p.text("optimizer")
	p.WriteString("}(")
	p.text("state")
	p.WriteString("}")
	p.text("param_groups")
	p.WriteString("]u")
	p.text("version")
	p.number(2)
	p.text("args")
	p.WriteString("cargparse\nNamespace\n)\x81}(")
	p.text("model")
	p.text(arch)
	p.text("inv_temp")
	p.float(31.353232263344143)
	p.WriteString("ub")
	p.text("metric")
	p.float(0.5)
	p.WriteString("u.")
	add("data.pkl", p.Bytes())
	add("version", []byte("3\n"))
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

// pickler writes the instructions of pickle's protocol 2.
type pickler struct{ bytes.Buffer }

func (p *pickler) text(s string) {
	p.Write(binary.LittleEndian.AppendUint32([]byte{'X'}, uint32(len(s))))
	p.WriteString(s)
}

func (p *pickler) number(n int) {
	p.Write(binary.LittleEndian.AppendUint32([]byte{'J'}, uint32(n)))
}

func (p *pickler) float(x float64) {
	p.Write(binary.BigEndian.AppendUint64([]byte{'G'}, math.Float64bits(x)))
}

// tensor writes a contiguous tensor that has a storage of its own.
func (p *pickler) tensor(storage string, key, size int, shape []int) {
	p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.text("storage")
	p.WriteString("ctorch\n" + storage + "\n")
	p.text(fmt.Sprint(key))
	p.text("cpu")
	p.number(size)
	p.WriteString("tQ")
	p.number(0)
	p.WriteString("(")
	for _, n := range shape {
		p.number(n)
	}
	p.WriteString("t(")
	for i := range shape {
		stride := 1
		for _, n := range shape[i+1:] {
			stride *= n
		}
		p.number(stride)
	}
	p.WriteString("t\x89ccollections\nOrderedDict\n)RtR")
}
