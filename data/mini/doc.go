// Package mini holds 8,800 photos of Fashion-MNIST (Zalando Research, MIT licence,
// file LICENSE), so that every command, notebook and test runs on real images
// without a download. The photos are 28x28 grey and lie in one PNG sheet per
// garment, which any viewer shows.
//
//	photos, err := mini.Photos("sneaker")
//	if err != nil {
//		return err
//	}
//	fmt.Println(len(photos), photos[0][14*28+14]) // the grey value in the middle
//
// Package data cuts the photos into data sets, see data.Open: six garments are
// trained on, four are held out.
//
// The sheets are made from the Debian package dataset-fashion-mnist: the first
// photos of each class in the order of its training file, nothing chosen by hand.
//
//	apt-get install dataset-fashion-mnist
//	go run ./data/mini/build -from /usr/share/datasets/fashion-mnist -to data/mini
package mini
