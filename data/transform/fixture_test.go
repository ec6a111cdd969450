package transform

import (
	"fmt"
	"math"
	"os"
	"path"
	"strings"
	"testing"

	"urlbench/data/pixel"
	"urlbench/internal/fixture"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "transform")) }

// open decodes one of the fixtures' single images.
func open(t *testing.T, file string) *pixel.Image {
	t.Helper()
	m, err := pixel.DecodeFile(fixture.Path("data/images/" + file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tolerance is exact for PNG, and the decoder's for JPEG.
func tolerance(file string) fixture.Tolerance {
	if strings.HasSuffix(file, ".jpg") {
		return fixture.Abs(3)
	}
	return fixture.Abs(0)
}

func floats[T uint8 | float32](pix []T) []float64 {
	out := make([]float64, len(pix))
	for i, v := range pix {
		out[i] = float64(v)
	}
	return out
}

// chw turns rows of RGB into planes.
func chw[T uint8 | float32](pix []T) []float64 {
	n := len(pix) / 3
	out := make([]float64, len(pix))
	for i, v := range pix {
		out[i%3*n+i/3] = float64(v)
	}
	return out
}

func tensorImage(c fixture.Case, t *testing.T, name string) *pixel.Image {
	x := c.Tensor(t, name)
	m := pixel.New(x.Shape[1], x.Shape[0])
	for i, v := range x.Float64s() {
		m.Pix[i] = uint8(v)
	}
	return m
}

func TestFixtureResize(t *testing.T) {
	for _, c := range fixture.Open(t, "data/resize.safetensors").Cases() {
		var p struct {
			File          string
			OutH          int `json:"out_h"`
			OutW          int `json:"out_w"`
			Interpolation string
		}
		c.Meta(t, &p)
		var src *pixel.Image
		if c.Has("in.rgb") {
			src = tensorImage(c, t, "in.rgb")
		} else {
			src = open(t, p.File)
		}
		got, err := Resize(src, p.OutW, p.OutH, filterNamed(t, p.Interpolation))
		if err != nil {
			t.Fatal(err)
		}
		c.Compare(t, "out.rgb", "uint8", floats(got.Pix), tolerance(p.File))
	}
}

func TestFixtureEval(t *testing.T) {
	for _, c := range fixture.Open(t, "data/transforms_eval.safetensors").Cases() {
		var p struct {
			ImgSize       int     `json:"img_size"`
			CropPct       float64 `json:"crop_pct"`
			CropMode      string  `json:"crop_mode"`
			Interpolation string
			File          string
			Files         []string
			BatchSize     int `json:"batch_size"`
		}
		c.Meta(t, &p)
		switch {
		case p.CropMode != "":
			eval := Eval(EvalConfig{Size: p.ImgSize, CropPct: p.CropPct, Filter: filterNamed(t, p.Interpolation), Mode: CropMode(p.CropMode)})
			dst := make([]uint8, 3*p.ImgSize*p.ImgSize)
			if err := eval(nil, open(t, p.File), dst); err != nil {
				t.Fatal(err)
			}
			c.Compare(t, "out.uint8_chw", "uint8", chw(dst), tolerance(p.File))
		case c.Family() == "loader":
			checkLoader(t, c, p.Files, p.BatchSize, p.ImgSize, filterOrDefault(t, p.Interpolation), p.CropPct)
		default:
			t.Errorf("%s: unknown family %s", c.Name, c.Family())
		}
	}
}

func filterOrDefault(t *testing.T, name string) Filter {
	if name == "" {
		return Bicubic
	}
	return filterNamed(t, name)
}

// checkLoader compares normalised batches; a case without a batch size is the
// path without prefetching, which scales by 1/255 first.
func checkLoader(t *testing.T, c fixture.Case, files []string, batch, size int, f Filter, pct float64) {
	plain := batch == 0
	names := c.Names("")
	if plain {
		batch = 1
	}
	if size == 0 {
		shape := c.Tensor(t, "out.input").Shape
		size = shape[2]
	}
	eval := Eval(EvalConfig{Size: size, CropPct: pct, Filter: f})
	cfg := DataConfig{Mean: ImageNetMean, Std: ImageNetStd}
	if len(names) == 0 {
		t.Fatalf("%s holds no tensors", c.Name)
	}
	for b := 0; b*batch < len(files); b++ {
		var got []float64
		for _, file := range files[b*batch : min(len(files), (b+1)*batch)] {
			dst := make([]uint8, 3*size*size)
			if err := eval(nil, open(t, file), dst); err != nil {
				t.Fatal(err)
			}
			norm := make([]float32, len(dst))
			if plain {
				for i, v := range dst {
					x := float32(v) / 255
					norm[i] = (x - float32(cfg.Mean[i%3])) / float32(cfg.Std[i%3])
				}
			} else {
				cfg.Normalize(norm, dst)
			}
			got = append(got, chw(norm)...)
		}
		name := "out.input"
		if !plain {
			name = fmt.Sprintf("batch%d/out.input", b)
		}
		c.Compare(t, name, "float32", got, fixture.Abs(1e-6))
	}
}

type jitterMeta struct {
	Order                                 [4]int
	Brightness, Contrast, Saturation, Hue *float64
}

func (p *jitterMeta) jitter() Jitter {
	if p == nil {
		return Jitter{}
	}
	j := Jitter{Order: p.Order}
	for i, f := range []*float64{p.Brightness, p.Contrast, p.Saturation, p.Hue} {
		j.Factor[i] = math.NaN()
		if f != nil {
			j.Factor[i] = *f
		}
	}
	return j
}

type trainMeta struct {
	File          string
	Size          int
	CropIJHW      [4]int `json:"crop_ijhw"`
	Interpolation string
	Jitter        *jitterMeta
	Sigma         float64
	Factor        float64
	Threshold     int
	DoJitter      bool `json:"do_jitter"`
	DoGray        bool `json:"do_gray"`
	DoBlur        bool `json:"do_blur"`
	DoSolarize    bool `json:"do_solarize"`
	DoEqualize    bool `json:"do_equalize"`
	DoFlip        bool `json:"do_flip"`
	I, J, H, W    int
}

func (p trainMeta) box() pixel.Rect {
	i, j, h, w := p.CropIJHW[0], p.CropIJHW[1], p.CropIJHW[2], p.CropIJHW[3]
	return pixel.Rect{X0: j, Y0: i, X1: j + w, Y1: i + h}
}

func (p trainMeta) ssl(t *testing.T) sslDraws {
	d := sslDraws{box: p.box(), filter: filterNamed(t, p.Interpolation), sigma: p.Sigma,
		grey: p.DoGray, blur: p.DoBlur, solarize: p.DoSolarize, equalize: p.DoEqualize, hflip: p.DoFlip}
	if p.DoJitter {
		d.jitter = p.Jitter.jitter()
	}
	return d
}

func TestFixtureTrain(t *testing.T) {
	file := fixture.Open(t, "data/transforms_train.safetensors")
	views := map[string][]float64{}
	for _, c := range file.Cases() {
		var p trainMeta
		if c.Name != "ssl_collate" {
			c.Meta(t, &p)
		}
		family, _, _ := strings.Cut(c.Name, "/")
		tol := tolerance(p.File)
		dst := make([]uint8, 3*p.Size*p.Size)
		switch family {
		case "supervised":
			d := trainDraws{box: p.box(), filter: filterNamed(t, p.Interpolation), hflip: p.DoFlip, jitter: p.Jitter.jitter()}
			must(t, d.apply(open(t, p.File), dst, p.Size))
			c.Compare(t, "out.uint8_chw", "uint8", chw(dst), tol)
		case "no_aug":
			f := filterNamed(t, p.Interpolation)
			must(t, Train(TrainConfig{Size: p.Size, NoAug: true, Filter: &f})(nil, open(t, p.File), dst))
			c.Compare(t, "out.uint8_chw", "uint8", chw(dst), tol)
		case "ssl":
			must(t, p.ssl(t).apply(open(t, p.File), dst, p.Size))
			c.Compare(t, "out.uint8_chw", "uint8", chw(dst), tol)
			views[path.Base(path.Dir(c.Name))+path.Base(c.Name)] = chw(dst)
		case "ssl_collate", "hsv_cube": // below
		case "resized_crop":
			dst := make([]uint8, 3*p.Size*p.Size)
			box := pixel.Rect{X0: p.J, Y0: p.I, X1: p.J + p.W, Y1: p.I + p.H}
			must(t, resize(dst, 3*p.Size, open(t, p.File), box, p.Size, p.Size, pixel.Rect{X1: p.Size, Y1: p.Size}, filterNamed(t, p.Interpolation)))
			c.Compare(t, "out.rgb", "uint8", floats(dst), tol)
		default:
			m := open(t, p.File)
			switch family {
			case "brightness":
				Brightness(m.Pix, p.Factor)
			case "contrast":
				Contrast(m.Pix, p.Factor)
			case "saturation":
				Saturation(m.Pix, p.Factor)
			case "hue":
				Hue(m.Pix, p.Factor)
			case "grayscale":
				Greyscale(m.Pix)
			case "gaussian_blur":
				GaussianBlur(m.Pix, m.W, p.Sigma)
			case "solarize":
				Solarize(m.Pix, uint8(p.Threshold))
			case "equalize":
				Equalize(m.Pix)
			case "hflip":
				flipRows(m.Pix, m.W)
			default:
				t.Errorf("%s: unknown family %s", c.Name, family)
				continue
			}
			c.Compare(t, "out.rgb", "uint8", floats(m.Pix), tol)
		}
	}
	for _, c := range file.Cases() {
		switch c.Name {
		case "ssl_collate":
			var got, targets []float64
			for i, target := range []float64{10, 11, 12} {
				for v := range 2 {
					got = append(got, views[fmt.Sprintf("%dview%d", i, v)]...)
					targets = append(targets, target)
				}
			}
			for _, name := range c.Names("out.") {
				switch {
				case strings.Contains(name, "target"):
					c.Compare(t, name, "int", targets, fixture.Abs(0))
				default:
					c.Compare(t, name, "uint8", got, fixture.Abs(0))
				}
			}
		case "hsv_cube":
			in := tensorImage(c, t, "in.rgb")
			hsv, back := make([]uint8, len(in.Pix)), make([]uint8, len(in.Pix))
			for i := 0; i < len(hsv); i += 3 {
				hsv[i], hsv[i+1], hsv[i+2] = toHSV(in.Pix[i], in.Pix[i+1], in.Pix[i+2])
				back[i], back[i+1], back[i+2] = fromHSV(hsv[i], hsv[i+1], hsv[i+2])
			}
			c.Compare(t, "out.hsv", "uint8", floats(hsv), fixture.Abs(0))
			c.Compare(t, "out.rgb_roundtrip", "uint8", floats(back), fixture.Abs(0))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func filterNamed(t *testing.T, name string) Filter {
	t.Helper()
	f, err := ParseFilter(name)
	must(t, err)
	return f
}
