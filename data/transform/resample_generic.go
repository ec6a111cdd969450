//go:build !amd64 || noasm

package transform

// vector says whether the passes may use vector instructions.
var vector = false

func verticalAVX2(dst, src *uint8, stride int, weight *int32, taps, blocks int) {
	panic("transform: no vector instructions in this build")
}

func horizontalAVX2(dst0, dst1, src0, src1 *uint8, first, weight *int32, width, quads, n int) {
	panic("transform: no vector instructions in this build")
}
