//go:build !amd64 || noasm

package retrieve

// kernels lists the kernels that this machine can run, the fastest first.
func kernels() []*kernel { return []*kernel{&portable} }
