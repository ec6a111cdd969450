// Package pixel decodes image files to RGB as Pillow's convert("RGB") does: grey
// is replicated, alpha is dropped and not composited, palettes are expanded,
// 16-bit grey is clipped to 255, CMYK is converted as Pillow converts it, and EXIF
// orientation and ICC profiles are ignored. JPEG pixels are libjpeg-turbo's, bit for
// bit. GIF, BMP, TIFF and WebP are decoded by golang.org/x/image and the standard
// library; lossy WebP may differ from libwebp by a few levels at edges of colour.
//
//	img, err := pixel.DecodeFile("cub200/images/001.Albatross/a.jpg")
//	if err != nil {
//		return err // names the file and says what is wrong with it
//	}
//	r, g, b := img.Pix[0], img.Pix[1], img.Pix[2] // the top left pixel
package pixel
