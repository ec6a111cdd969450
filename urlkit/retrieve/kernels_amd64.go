//go:build !noasm

package retrieve

import "golang.org/x/sys/cpu"

// kernels lists the kernels that this machine can run, the fastest first. The two
// in assembly fuse multiplication and addition and agree with each other to the
// last bit.
func kernels() []*kernel {
	var out []*kernel
	if cpu.X86.HasAVX512F {
		out = append(out, &avx512)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		out = append(out, &avx2)
	}
	return append(out, &portable)
}

var avx512 = kernel{
	name: "avx512", mr: 14, nr: 32,
	multiply: func(depth int, a, b, c []float32, ldc int, add bool) {
		_, _, _ = a[14*depth-1], b[32*depth-1], c[13*ldc+31]
		multiplyAVX512(depth, &a[0], &b[0], &c[0], ldc, add)
	},
	above: func(mask []uint16, c, column []float32, row float32) {
		if n := len(mask); n > 0 {
			_, _ = c[16*n-1], column[16*n-1]
			aboveAVX512(n, &mask[0], &c[0], &column[0], row)
		}
	},
}

var avx2 = kernel{
	name: "avx2", mr: 6, nr: 16,
	multiply: func(depth int, a, b, c []float32, ldc int, add bool) {
		_, _, _ = a[6*depth-1], b[16*depth-1], c[5*ldc+15]
		multiplyAVX2(depth, &a[0], &b[0], &c[0], ldc, add)
	},
	above: func(mask []uint16, c, column []float32, row float32) {
		if n := len(mask); n > 0 {
			_, _ = c[16*n-1], column[16*n-1]
			aboveAVX2(n, &mask[0], &c[0], &column[0], row)
		}
	},
}

// The assembly trusts its lengths: the closures above check them.

//go:noescape
func multiplyAVX512(depth int, a, b, c *float32, ldc int, add bool)

//go:noescape
func aboveAVX512(groups int, mask *uint16, c, column *float32, row float32)

//go:noescape
func multiplyAVX2(depth int, a, b, c *float32, ldc int, add bool)

//go:noescape
func aboveAVX2(groups int, mask *uint16, c, column *float32, row float32)
