package transform

// Hue turns an RGB image's colours around the circle by factor, a share of it in
// [-0.5, 0.5], through Pillow's 8-bit HSV.
func Hue(pix []uint8, factor float64) {
	shift := uint8(int(factor * 255)) // truncated, then modulo 256
	for i := 0; i+2 < len(pix); i += 3 {
		h, s, v := toHSV(pix[i], pix[i+1], pix[i+2])
		pix[i], pix[i+1], pix[i+2] = fromHSV(h+shift, s, v)
	}
}

// toHSV converts a pixel as Pillow does: value is the largest channel, saturation
// and hue are truncated to bytes, in float32.
func toHSV(r, g, b uint8) (h, s, v uint8) {
	hi, lo := max(r, g, b), min(r, g, b)
	if hi == lo {
		return 0, 0, hi
	}
	cr := float32(hi - lo)
	rc, gc, bc := float32(hi-r)/cr, float32(hi-g)/cr, float32(hi-b)/cr
	var x float32
	switch {
	case r == hi:
		x = bc - gc
	case g == hi:
		x = float32(2 + float64(rc) - float64(bc))
	default:
		x = float32(4 + float64(gc) - float64(rc))
	}
	// The turn is taken in float64 and kept in float32, as in the C source.
	turn := float64(x)/6 + 1
	turn -= float64(int(turn))
	return uint8(int(float64(float32(turn)) * 255)), uint8(int(float64(cr/float32(hi)) * 255)), hi
}

// fromHSV converts back, rounding halves up.
func fromHSV(h, s, v uint8) (r, g, b uint8) {
	if s == 0 {
		return v, v, v
	}
	// Only what C keeps in float variables is rounded to float32.
	x := float64(h) * 6 / 255
	sector := int(x)
	f, fs := float32(x-float64(sector)), float32(s)/255
	round := func(share float64) uint8 { return uint8(float64(v)*share + 0.5) }
	p := round(1 - float64(fs))
	q := round(1 - float64(float32(fs*f)))
	t := round(1 - float64(fs)*(1-float64(f)))
	switch sector % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}
