package data_test

import (
	"context"
	"fmt"

	"urlbench/data"
	"urlbench/data/transform"
)

func ExampleOpen() {
	set, err := data.Open("soft/mini-blend", data.Test, data.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.Len(), "images of", set.Classes())
	fmt.Println(set.ID(0), "has the votes", set.Soft(0))
	// Output:
	// 600 images of [t-shirt sandal shirt sneaker bag ankle-boot]
	// mini/blend/t-shirt-1100+sandal-1137 has the votes [10 10 0 0 0 0]
}

func ExampleLoader() {
	set, err := data.Open("repr/mini-turned", data.Test, data.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	loader, err := data.NewLoader(set, data.LoaderOptions{BatchSize: 256, Size: 32, Transform: transform.Eval(transform.EvalConfig{Size: 32})})
	if err != nil {
		fmt.Println(err)
		return
	}
	for batch, err := range loader.Epoch(context.Background(), 0) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(batch.N, "images,", len(batch.Pixels), "bytes, first label", batch.Labels[0])
	}
	// Output:
	// 256 images, 786432 bytes, first label 0
	// 256 images, 786432 bytes, first label 2
	// 256 images, 786432 bytes, first label 5
	// 32 images, 98304 bytes, first label 7
}
