package nn

// Lowering is a way to write a convolution in the operations of a backend. All
// give the same numbers. What XLA on the CPU gets was measured (docs/performance.md).
type Lowering int

const (
	// LowerNative leaves convolutions to the backend's own operation (cuDNN on a GPU).
	LowerNative Lowering = iota
	// LowerXLACPU is for XLA on a CPU, whose native convolutions are slow in places.
	LowerXLACPU
	// LowerMatMul writes every convolution as patches times matrix, for GoMLX's
	// pure Go backend.
	LowerMatMul
)
