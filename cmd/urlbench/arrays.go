package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"urlbench/npy"
	"urlbench/safetensors"
)

// openArray reads an array from FILE or FILE:NAME, where the file is .npy, .npz or
// .safetensors; NAME may be left out where the file holds one array only. The
// array is valid until close.
func openArray(spec string) (x *safetensors.Tensor, path string, close func() error, err error) {
	path, name := spec, ""
	if i := strings.LastIndex(spec, ":"); i > 0 && filepath.Ext(spec[:i]) != "" {
		path, name = spec[:i], spec[i+1:]
	}
	var file interface {
		Names() []string
		Tensor(string) (*safetensors.Tensor, error)
		Close() error
	}
	switch ext := filepath.Ext(path); ext {
	case ".npy", ".npz":
		file, err = npy.Open(path)
	case ".safetensors":
		file, err = safetensors.Open(path)
	default:
		err = fmt.Errorf("%s: file type %q, want .npy, .npz or .safetensors", path, ext)
	}
	if err != nil {
		return nil, path, nil, err
	}
	if names := file.Names(); name == "" && len(names) == 1 {
		name = names[0]
	} else if name == "" {
		file.Close()
		return nil, path, nil, fmt.Errorf("%s holds %d arrays: write %s:NAME, NAME one of %s", path, len(names), path, strings.Join(names, ", "))
	}
	if x, err = file.Tensor(name); err != nil {
		file.Close()
		return nil, path, nil, err
	}
	return x, path, file.Close, nil
}

// arrayShape checks an array's dimensions: -1 stands for any length.
func arrayShape(path string, x *safetensors.Tensor, want string, dims ...int) error {
	ok := len(x.Shape) == len(dims)
	for i := 0; ok && i < len(dims); i++ {
		ok = dims[i] < 0 || x.Shape[i] == dims[i]
	}
	if !ok {
		return fmt.Errorf("%s: shape %v, want %s", path, x.Shape, want)
	}
	return nil
}
