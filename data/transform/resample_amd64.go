//go:build !noasm

package transform

import "golang.org/x/sys/cpu"

// vector says whether the passes may use AVX2. The results are the same without.
var vector = cpu.X86.HasAVX2

// verticalAVX2 resamples 32*blocks columns of one output row.
//
//go:noescape
func verticalAVX2(dst, src *uint8, stride int, weight *int32, taps, blocks int)

// horizontalAVX2 resamples two rows to n pixels each. It reads whole groups of four
// taps, 16 bytes each, and writes one byte behind each row.
//
//go:noescape
func horizontalAVX2(dst0, dst1, src0, src1 *uint8, first, weight *int32, width, quads, n int)
