package nn_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

// naiveMaxPool is the definition, and the gradient that goes to the first of equals.
func naiveMaxPool(x, v []float64, n, h, w, ch, kernel, stride, pad int) (y, dx []float64) {
	ho, wo := nn.OutputSide(h, kernel, stride, [2]int{pad, pad}), nn.OutputSide(w, kernel, stride, [2]int{pad, pad})
	y, dx = make([]float64, n*ho*wo*ch), make([]float64, len(x))
	for b := range n {
		for i := range ho {
			for j := range wo {
				for c := range ch {
					best, at := math.Inf(-1), -1
					for ki := range kernel {
						for kj := range kernel {
							r, s := i*stride+ki-pad, j*stride+kj-pad
							if r < 0 || r >= h || s < 0 || s >= w {
								continue
							}
							if k := ((b*h+r)*w+s)*ch + c; x[k] > best {
								best, at = x[k], k
							}
						}
					}
					o := ((b*ho+i)*wo+j)*ch + c
					y[o] = best
					if v != nil {
						dx[at] += v[o]
					}
				}
			}
		}
	}
	return y, dx
}

func TestMaxPool2D(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, tc := range []struct{ h, w, kernel, stride, pad int }{{6, 7, 3, 2, 1}, {5, 5, 2, 2, 0}, {4, 6, 3, 1, 1}, {7, 7, 3, 3, 0}} {
			x := wave(1, 2, tc.h, tc.w, 3)
			xs := tensors.MustCopyFlatData[float64](x)
			for i := range xs { // negative everywhere, with ties: padding must not win, the first of equals must
				xs[i] = math.Round(3*xs[i])/3 - 5
			}
			y, _ := naiveMaxPool(xs, nil, 2, tc.h, tc.w, 3, tc.kernel, tc.stride, tc.pad)
			v := wave(2, len(y))
			_, dx := naiveMaxPool(xs, tensors.MustCopyFlatData[float64](v), 2, tc.h, tc.w, 3, tc.kernel, tc.stride, tc.pad)
			got := run(t, d, model.NewStore(), func(_ *model.Scope, in []*Node) []*Node {
				y := nn.MaxPool2D(in[0], tc.kernel, tc.stride, tc.pad)
				return []*Node{y, Gradient(ReduceAllSum(Mul(Reshape(y, -1), in[1])), in[0])[0]}
			}, tensors.FromFlatDataAndDimensions(xs, 2, tc.h, tc.w, 3), v)
			near(t, "y", got[0], y, 0)
			near(t, "dx", got[1], dx, 1e-14)
		}
	})
}

func TestActivations(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		x := []float64{-2, -0.5, 0, 0.5, 2}
		got := run(t, d, model.NewStore(), func(_ *model.Scope, in []*Node) []*Node {
			relu, gelu := nn.ReLU(in[0]), nn.GELU(in[0])
			return []*Node{relu, gelu, Gradient(ReduceAllSum(relu), in[0])[0], Gradient(ReduceAllSum(gelu), in[0])[0]}
		}, x)
		var gelu, slope []float64
		for _, v := range x {
			phi := (1 + math.Erf(v/math.Sqrt2)) / 2
			gelu = append(gelu, v*phi)
			slope = append(slope, phi+v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi))
		}
		near(t, "relu", got[0], []float64{0, 0, 0, 0.5, 2}, 0)
		near(t, "gelu", got[1], gelu, 1e-12)
		near(t, "relu's slope", got[2], []float64{0, 0, 0, 1, 1}, 0)
		near(t, "gelu's slope", got[3], slope, 1e-12)
	})
}

// TestDropPath leaves whole images out, scales the others, and does nothing
// outside training.
func TestDropPath(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		const images, rate = 2000, 0.25
		store := model.NewStore()
		if err := store.SetRNGStateFromSeed(1); err != nil {
			t.Fatal(err)
		}
		got := run(t, d, store, func(s *model.Scope, in []*Node) []*Node {
			return []*Node{
				nn.DropPath(context(s, nn.LowerNative, true), in[0], rate),
				nn.DropPath(context(s, nn.LowerNative, false), in[0], rate),
			}
		}, tensors.FromScalarAndDimensions(3.0, images, 2, 2))
		kept := 0
		for i := range images {
			image := got[0][i*4 : i*4+4]
			for _, v := range image {
				if v != image[0] || v != 0 && math.Abs(v-4) > 1e-12 {
					t.Fatalf("image %d is %v, want all 0 or all 4", i, image)
				}
			}
			if image[0] != 0 {
				kept++
			}
		}
		if share := float64(kept) / images; math.Abs(share-(1-rate)) > 0.04 {
			t.Errorf("kept %g of the images, want %g", share, 1-rate)
		}
		for _, v := range got[1] {
			if v != 3 {
				t.Fatalf("outside training: %g, want 3", v)
			}
		}
	})
}
