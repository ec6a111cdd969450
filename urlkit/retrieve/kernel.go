package retrieve

// kernel multiplies two packed panels. A panel of w rows holds, dimension by
// dimension, the w values of its rows side by side.
type kernel struct {
	name   string
	mr, nr int
	// multiply sets (or, if add, increases) c[i*ldc+j] by the inner product of row
	// i of panel a and row j of panel b over depth dimensions, 0 <= i < mr,
	// 0 <= j < nr, adding one dimension after the other.
	multiply func(depth int, a, b, c []float32, ldc int, add bool)
	// above sets bit j of the mask if c[j] >= row or c[j] >= column[j], for each
	// of len(mask) groups of 16 values.
	above func(mask []uint16, c, column []float32, row float32)
}

// portable is the kernel in plain Go.
var portable = kernel{name: "go", mr: 4, nr: 4, multiply: multiplyGo, above: aboveGo}

func multiplyGo(depth int, a, b, c []float32, ldc int, add bool) {
	for i := 0; i < 4; i += 2 {
		var s [2][4]float32
		if add {
			copy(s[0][:], c[i*ldc:])
			copy(s[1][:], c[(i+1)*ldc:])
		}
		s00, s01, s02, s03 := s[0][0], s[0][1], s[0][2], s[0][3]
		s10, s11, s12, s13 := s[1][0], s[1][1], s[1][2], s[1][3]
		a, b := a[i:], b
		for range depth {
			x, y := a[0], a[1]
			p := (*[4]float32)(b)
			// The conversions forbid fusing, which would differ between machines.
			s00 += float32(x * p[0])
			s01 += float32(x * p[1])
			s02 += float32(x * p[2])
			s03 += float32(x * p[3])
			s10 += float32(y * p[0])
			s11 += float32(y * p[1])
			s12 += float32(y * p[2])
			s13 += float32(y * p[3])
			b = b[4:]
			if len(a) > 4 {
				a = a[4:]
			}
		}
		copy(c[i*ldc:], []float32{s00, s01, s02, s03})
		copy(c[(i+1)*ldc:], []float32{s10, s11, s12, s13})
	}
}

func aboveGo(mask []uint16, c, column []float32, row float32) {
	for g := range mask {
		c, column := c[16*g:16*g+16], column[16*g:16*g+16]
		var m uint16
		for j, v := range c {
			if v >= row || v >= column[j] {
				m |= 1 << j
			}
		}
		mask[g] = m
	}
}
