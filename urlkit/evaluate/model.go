package evaluate

import (
	"fmt"
	"path/filepath"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/data/transform"
	"urlbench/safetensors"
	"urlbench/urlkit/backbone"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/method"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/run"
	"urlbench/urlkit/uncertainty"
	"urlbench/urlkit/weights"
)

// Model is a network with its weights and what its input looks like.
type Model struct {
	Name    string // as the results name it
	Device  *device.Device
	Store   *model.Store
	Input   transform.DataConfig
	Classes int
	// Forward builds the network's graph of normalised images [B, H, W, 3].
	Forward func(c *nn.Context, images *Node) method.Outputs
	// Compute is the dtype of matrix products; Float32 unless --amp asks for
	// BFloat16 on a GPU.
	Compute dtypes.DType
}

// MethodOptions translates flags to the options of a method's model.
func MethodOptions(cfg *config.Config, classes int) method.Options {
	o := method.Options{
		Model: cfg.Model, Classes: classes, UncModule: cfg.UncModule, UncWidth: cfg.UncWidth, NumHeads: cfg.NumHeads,
		Drop: cfg.Drop, RankV: cfg.RankV, CMult: cfg.CMult,
		GPInputNormalization: cfg.GPInputNorm, GPCovDiscountFactor: cfg.GPCovDiscount,
		UseSpecNorm: cfg.UseSpecNorm, SpecNormBound: cfg.SpecNormBound,
		FreezeBackbone: cfg.FreezeBackbone, GradCheckpointing: cfg.GradCheckpointing, Semantics: cfg.ParsedSemantics(),
	}
	if cfg.DropPath != nil {
		o.DropPath = *cfg.DropPath
	}
	return o
}

// InputConfig translates flags to the model's input.
func InputConfig(cfg *config.Config) (transform.DataConfig, error) {
	o := transform.Overrides{CropMode: cfg.CropMode, Filter: cfg.Interpolation, Mean: cfg.Mean, Std: cfg.Std}
	if cfg.ImgSize != nil || len(cfg.InputSize) == 3 {
		o.Size = cfg.Size()
	}
	if cfg.CropPct != nil {
		o.CropPct = *cfg.CropPct
	}
	return transform.Resolve(cfg.ParsedSemantics(), cfg.Model, o)
}

// NewModel makes the network that the flags describe, its weights not yet set:
// they are drawn from the seed when the first graph runs.
func NewModel(dev *device.Device, cfg *config.Config, classes int) (*Model, error) {
	o := MethodOptions(cfg, classes)
	if err := o.Validate(); err != nil {
		return nil, err
	}
	input, err := InputConfig(cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{
		Name: cfg.Model, Device: dev, Store: model.NewStore(), Input: input, Classes: classes, Compute: dtypes.Float32,
		Forward: func(c *nn.Context, images *Node) method.Outputs { return method.Forward(c, images, o) },
	}
	if cfg.AMP && dev.Kind == device.XLACUDA {
		m.Compute = dtypes.BFloat16
	}
	return m, m.Store.SetRNGStateFromSeed(int64(cfg.Seed))
}

// Context returns the context in which the model is built.
func (m *Model) Context(scope *model.Scope, training bool) *nn.Context {
	c := nn.NewContext(scope, dtypes.Float32, training)
	c.Compute, c.Lowering = m.Compute, m.Device.Lowering()
	return c
}

// Normalize turns uint8 pixels [B, H, W, 3] into the model's float32 input,
// (x - 255 mean) / (255 std) with the constants rounded to float32 first.
func (m *Model) Normalize(pixels *Node) *Node {
	mean, std := make([]float32, 3), make([]float32, 3)
	for i := range mean {
		mean[i], std[i] = float32(255*m.Input.Mean[i]), float32(255*m.Input.Std[i])
	}
	g := pixels.Graph()
	row := func(x []float32) *Node { return ExpandLeftToRank(Const(g, x), 4) }
	return Div(Sub(ConvertDType(pixels, dtypes.Float32), row(mean)), row(std))
}

// LoadRun opens a checkpoint of a run: "model_best", "last", "checkpoint-N", or ""
// for the best there is.
func LoadRun(dev *device.Device, r *run.Run, checkpoint string) (*Model, *config.Config, error) {
	cfg, err := config.Load(r.Path("args.yaml"))
	if err != nil {
		return nil, nil, err
	}
	dir, err := r.Checkpoint(checkpoint)
	if err != nil {
		return nil, nil, err
	}
	m, err := LoadWeights(dev, cfg, filepath.Join(dir, "model.safetensors"))
	return m, cfg, err
}

// LoadWeights makes the model of the flags with the weights of a file: safetensors,
// or PyTorch's .pth and .pth.tar (see package weights). The number of classes is
// --num-classes, or read from the file's classifier.
func LoadWeights(dev *device.Device, cfg *config.Config, path string) (*Model, error) {
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	classes, err := classesOf(cfg, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	m, err := NewModel(dev, cfg, classes)
	if err != nil {
		return nil, err
	}
	if _, err := m.Load(f, weights.Options{}); err != nil {
		return nil, err
	}
	// The pred-net's scale is no entry of the state_dict: it lies beside.
	if s := f.Metadata["unc_scaler"]; s != "" {
		var scale float64
		if _, err := fmt.Sscan(s, &scale); err != nil {
			return nil, fmt.Errorf("%s: unc_scaler=%q is no number", f.Path, s)
		}
		if err := uncertainty.SetScaler(m.Store, scale); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Load sets the model's entries from a file's; o says how far they may differ, and
// said tells what was replaced or left as it was.
func (m *Model) Load(f *weights.StateDict, o weights.Options) (said []string, err error) {
	build := func(scope *model.Scope, images *Node) { m.Forward(m.Context(scope, false), images) }
	wanted, err := weights.Wanted(m.Device.Backend, build, 1, m.Input.Size, m.Input.Size, 3)
	if err != nil {
		return nil, err
	}
	return weights.Load(m.Store, f, wanted, o)
}

func classesOf(cfg *config.Config, f *weights.StateDict) (int, error) {
	if cfg.NumClasses != nil {
		return *cfg.NumClasses, nil
	}
	name, _, err := backbone.ParseModel(cfg.Model)
	if err != nil {
		return 0, err
	}
	head := backbone.HeadName(name)
	for _, n := range []string{".weight", ".fc.weight", ".0.weight", ".bias", ".fc.bias", ".0.bias"} {
		if t, err := f.Tensor(head + n); err == nil && len(t.Shape) > 0 {
			return t.Shape[0], nil
		}
	}
	if t, err := f.Tensor("_gp_output_layer.weight"); err == nil && len(t.Shape) > 0 {
		return t.Shape[0], nil
	}
	return 0, fmt.Errorf("can't tell the number of classes: no %s.weight; give --num-classes", head)
}

// SetVariable makes or overwrites a variable of the Store with a tensor: floats as
// they are, integers as Int64, but for the state of the random stream, whose
// uint64 lie in the file as int64 of the same bits.
func SetVariable(store *model.Store, path string, t *safetensors.Tensor) error {
	value, err := toTensor(t)
	if err == nil && path == "/"+model.RNGStateVariableName {
		value, err = unsigned(t)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if v := store.GetVariable(path); v != nil {
		if !v.Shape().Equal(value.Shape()) {
			return fmt.Errorf("tensor %s has shape %s, the model wants %s", t.Name, value.Shape(), v.Shape())
		}
		return v.SetValue(value)
	}
	_, err = store.CreateVariable(path, value)
	return err
}

func toTensor(t *safetensors.Tensor) (*tensors.Tensor, error) {
	switch t.DType {
	case safetensors.F64:
		return tensors.FromFlatDataAndDimensions(t.Float64s(), t.Shape...), nil
	case safetensors.F32, safetensors.F16, safetensors.BF16:
		return tensors.FromFlatDataAndDimensions(t.Float32s(), t.Shape...), nil
	}
	ints, err := t.Int64s()
	if err != nil {
		return nil, err
	}
	return tensors.FromFlatDataAndDimensions(ints, t.Shape...), nil
}

func unsigned(t *safetensors.Tensor) (*tensors.Tensor, error) {
	ints, err := t.Int64s()
	if err != nil {
		return nil, err
	}
	out := make([]uint64, len(ints))
	for i, v := range ints {
		out[i] = uint64(v)
	}
	return tensors.FromFlatDataAndDimensions(out, t.Shape...), nil
}

// Parameters counts the trainable numbers of the model in a Store.
func Parameters(store *model.Store) int {
	n := 0
	for v := range store.Scope(nn.ModelScope).IterVariables() {
		if v.Trainable {
			n += v.Shape().Size()
		}
	}
	return n
}
