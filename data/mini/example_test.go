package mini_test

import (
	"fmt"

	"urlbench/data/mini"
)

func ExamplePhotos() {
	photos, err := mini.Photos("sneaker")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(photos), "photos of", len(photos[0]), "pixels")
	fmt.Println("held out:", mini.HeldOut)
	// Output:
	// 1200 photos of 784 pixels
	// held out: [trouser pullover dress coat]
}
