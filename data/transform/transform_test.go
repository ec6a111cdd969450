package transform

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"urlbench/data/pixel"
)

// encoded returns a JPEG file of random smooth content.
func encoded(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := RNG(9, 9, 9)
	phase := rng.IntN(50)
	for y := range h {
		for x := range w {
			copy(m.Pix[m.PixOffset(x, y):], []uint8{uint8(x*3 + y + phase), uint8(y * 2), uint8(x + rng.IntN(20)), 255})
		}
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func pipelines(size int) map[string]struct {
	t     Transform
	views int
} {
	upsideDown := DefaultTrain(size)
	upsideDown.VFlip, upsideDown.Blur = 0.5, 0.5
	return map[string]struct {
		t     Transform
		views int
	}{
		"eval":   {Eval(EvalConfig{Size: size}), 1},
		"train":  {Train(DefaultTrain(size)), 1},
		"blur":   {Train(upsideDown), 1},
		"no-aug": {Train(TrainConfig{Size: size, NoAug: true}), 1},
		"ssl":    {SSL(DefaultSSL(size)), 2},
	}
}

// TestPartsAreEnough checks that a transform gives the same from an image whose
// pixels are decoded on demand as from one that is decoded whole.
func TestPartsAreEnough(t *testing.T) {
	data := encoded(t, 97, 71)
	for name, p := range pipelines(24) {
		for i := range 40 {
			whole, err := pixel.Decode(data, pixel.Options{})
			must(t, err)
			lazy, err := pixel.Open(data, pixel.Options{})
			must(t, err)
			a, b := make([]uint8, 3*24*24*p.views), make([]uint8, 3*24*24*p.views)
			must(t, p.t(RNG(1, 2, i), whole, a))
			must(t, p.t(RNG(1, 2, i), lazy, b))
			if !bytes.Equal(a, b) {
				t.Fatalf("%s, sample %d: decoding a part changes the pixels", name, i)
			}
			lazy.Release()
		}
	}
}

// TestRNG checks that a sample depends on the three numbers and nothing else.
func TestRNG(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range uint64(3) {
		for epoch := range 20 {
			for index := range 200 {
				v := RNG(seed, epoch, index).Uint64()
				if v != RNG(seed, epoch, index).Uint64() {
					t.Fatal("two generators of one sample differ")
				}
				key := fmt.Sprint(seed, epoch, index)
				if other, ok := seen[v]; ok {
					t.Fatalf("the samples %s and %s draw the same", other, key)
				}
				seen[v] = key
			}
		}
	}
}

// TestDraws checks the shares of what is drawn, to five standard errors.
func TestDraws(t *testing.T) {
	const n = 4000
	counts := map[string]int{}
	count := func(what string, yes bool) {
		if yes {
			counts[what]++
		}
	}
	ssl, train := DefaultSSL(32), DefaultTrain(32)
	for i := range n {
		rng := RNG(1, 0, i)
		s := ssl.draw(rng, 60, 50)
		count("ssl jitter 0.8", s.jitter != Jitter{})
		count("ssl grey 0.2", s.grey)
		count("ssl flip 0.5", s.hflip)
		count("ssl blur 1", s.blur)
		count("ssl solarize 0", s.solarize)
		count("ssl equalize 0", s.equalize)
		if s.sigma < 0.1 || s.sigma > 2 {
			t.Fatalf("sigma %g", s.sigma)
		}
		d := train.draw(rng, 60, 50)
		count("train flip 0.5", d.hflip)
		count("train upside down 0", d.vflip)
		count("train bicubic 0.5", d.filter == Bicubic)
		for step, f := range d.jitter.Factor[:3] {
			if f < 0.6-1e-7 || f > 1.4+1e-7 {
				t.Fatalf("factor %d is %g", step, f)
			}
			count(fmt.Sprintf("train factor %d below 1 0.5", step), f < 1)
		}
		count("train order starts with contrast 0.25", d.jitter.Order[0] == stepContrast)
	}
	for _, what := range []string{"ssl jitter 0.8", "ssl grey 0.2", "ssl flip 0.5", "ssl blur 1", "ssl solarize 0", "ssl equalize 0",
		"train flip 0.5", "train upside down 0", "train bicubic 0.5", "train factor 0 below 1 0.5", "train factor 1 below 1 0.5",
		"train factor 2 below 1 0.5", "train order starts with contrast 0.25"} {
		var p float64
		if _, err := fmt.Sscan(what[bytes.LastIndexByte([]byte(what), ' '):], &p); err != nil {
			t.Fatal(err)
		}
		got := float64(counts[what]) / n
		if d := got - p; d*d > 25*p*(1-p)/n {
			t.Errorf("%s: the share is %g", what, got)
		}
	}
}

func TestDecodingErrorsPass(t *testing.T) {
	data := encoded(t, 60, 40)
	for name, p := range pipelines(16) {
		img, err := pixel.Open(data[:len(data)-50], pixel.Options{Name: "half.jpg"})
		must(t, err)
		err = p.t(RNG(1, 1, 1), img, make([]uint8, 3*16*16*p.views))
		if !errors.Is(err, pixel.ErrTruncated) {
			t.Errorf("%s: got %v, want %v", name, err, pixel.ErrTruncated)
		}
	}
}

func TestWrongDst(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a destination of the wrong size was accepted")
		}
	}()
	_ = Eval(EvalConfig{Size: 8})(nil, pixel.New(9, 9), make([]uint8, 10))
}

// TestSmallest walks sizes down to a pixel: nothing may crash.
func TestSmallest(t *testing.T) {
	for _, side := range [][2]int{{1, 1}, {1, 7}, {300, 1}, {2, 3}} {
		for name, p := range pipelines(5) {
			img := noise(side[0], side[1], 3)
			for i := range 20 {
				if err := p.t(RNG(2, 0, i), img, make([]uint8, 75*p.views)); err != nil {
					t.Errorf("%s of %v: %v", name, side, err)
				}
			}
		}
	}
}

func TestEqualizeConstant(t *testing.T) {
	m := pixel.New(4, 4)
	Equalize(m.Pix)
	for _, v := range m.Pix {
		if v != 0 {
			t.Fatal("equalising a constant image changed it")
		}
	}
}

func ExampleEval() {
	img := pixel.New(500, 375) // black, with a red left half
	for i := 0; i < len(img.Pix); i += 3 {
		if i/3%500 < 250 {
			img.Pix[i] = 255
		}
	}
	dst := make([]uint8, 3*224*224)
	if err := Eval(EvalConfig{Size: 224})(nil, img, dst); err != nil {
		fmt.Println(err)
		return
	}
	row := dst[3*224*100 : 3*224*101]
	for x := 109; x < 116; x++ {
		fmt.Print(row[3*x], " ") // the edge falls on half a pixel
	}
	// Output:
	// 255 255 255 128 0 0 0
}

func ExampleTrain() {
	img := pixel.New(64, 48)
	train := Train(DefaultTrain(32))
	a, b := make([]uint8, 3*32*32), make([]uint8, 3*32*32)
	for _, dst := range [][]uint8{a, b} { // the same sample of the same epoch, twice
		rng := RNG(1, 0, 7)
		if err := train(rng, img, dst); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(bytes.Equal(a, b))
	// Output: true
}

func ExampleCropConfig_Box() {
	box := DefaultCrop().Box(rand.New(rand.NewPCG(1, 2)), 500, 375)
	fmt.Println(box.X1 <= 500 && box.Y1 <= 375)
	// Output: true
}
