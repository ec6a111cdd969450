// Package transform turns a decoded image of any size into the square of bytes a
// model is fed: Eval for measuring, Train and SSL for learning, with the original's
// defaults and Pillow's arithmetic, bit for bit. Normalisation comes later, on the
// device, from the Mean and Std of a DataConfig.
//
//	eval := transform.Eval(transform.EvalConfig{Size: 224})
//	dst := make([]uint8, 3*224*224)        // [height, width, channel]
//	err := eval(nil, img, dst)             // or a training transform:
//	train := transform.Train(transform.DefaultTrain(224))
//	err = train(transform.RNG(seed, epoch, index), img, dst)
//
// A transform is a function; it keeps no state, so that any number of goroutines
// may share it, and all that is random comes from the generator it is given.
package transform

import (
	"fmt"
	"math/rand/v2"

	"urlbench/data/pixel"
)

// Transform writes the transformed src to dst: Views squares of Size x Size
// pixels, RGB, HWC, one after the other. rng is not read by evaluation transforms
// and may be nil there. An error is src's: it could not be decoded.
type Transform func(rng *rand.Rand, src *pixel.Image, dst []uint8) error

// RNG returns the generator of one sample of one epoch: the same for the same
// three numbers, whatever worker asks and in whatever order.
func RNG(seed uint64, epoch, index int) *rand.Rand {
	return rand.New(rand.NewPCG(mix(seed, uint64(epoch)), mix(^seed, uint64(index))))
}

// mix is SplitMix64's output function over two words (Steele et al., 2014).
func mix(a, b uint64) uint64 {
	z := a*0x9e3779b97f4a7c15 + b + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// checkDst panics if dst is not n squares of size pixels: a caller's mistake.
func checkDst(dst []uint8, size, n int) {
	if len(dst) != 3*size*size*n {
		panic(fmt.Sprintf("transform: dst holds %d bytes, %d squares of %d pixels take %d", len(dst), n, size, 3*size*size*n))
	}
}
