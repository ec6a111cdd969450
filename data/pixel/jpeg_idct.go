package pixel

// The accurate integer inverse DCT of Loeffler, Ligtenberg and Moschytz (ICASSP
// 1989, 11 multiplications), with the constants in 13-bit fixed point and two
// extra bits kept between the passes: the arithmetic that libjpeg calls islow.
const (
	constBits, passBits = 13, 2

	c0298 = 2446  // 0.298631336
	c0390 = 3196  // 0.390180644
	c0541 = 4433  // 0.541196100
	c0765 = 6270  // 0.765366865
	c0899 = 7373  // 0.899976223
	c1175 = 9633  // 1.175875602
	c1501 = 12299 // 1.501321110
	c1847 = 15137 // 1.847759065
	c1961 = 16069 // 1.961570560
	c2053 = 16819 // 2.053119869
	c2562 = 20995 // 2.562915447
	c3072 = 25172 // 3.072711026
)

// idct writes the samples of a dequantised block to dst, rows at stride bytes.
// nonzero has a bit for each place of the block that may not be zero.
func idct(block *[64]int32, nonzero uint64, dst []uint8, stride int) {
	if nonzero == 1 {
		v := uint64(clampSample((block[0]<<passBits+1<<(passBits+2))>>(passBits+3))) * 0x0101010101010101
		for y := range 8 {
			put8(dst[y*stride:], v)
		}
		return
	}
	const half = 1 << (constBits - passBits - 1)
	for x := range 8 {
		col := block[x : x+57 : x+57]
		if nonzero&(0x0101010101010100<<x) == 0 { // the column is constant
			v := col[0] << passBits
			for i := 0; i < 57; i += 8 {
				col[i] = v
			}
			continue
		}
		a0, a1, a2, a3, b0, b1, b2, b3 := butterfly(col[0], col[8], col[16], col[24], col[32], col[40], col[48], col[56])
		col[0], col[56] = (a0+b3+half)>>(constBits-passBits), (a0-b3+half)>>(constBits-passBits)
		col[8], col[48] = (a1+b2+half)>>(constBits-passBits), (a1-b2+half)>>(constBits-passBits)
		col[16], col[40] = (a2+b1+half)>>(constBits-passBits), (a2-b1+half)>>(constBits-passBits)
		col[24], col[32] = (a3+b0+half)>>(constBits-passBits), (a3-b0+half)>>(constBits-passBits)
	}
	const shift = constBits + passBits + 3
	const round = 1 << (shift - 1)
	for y := range 8 {
		r := block[8*y : 8*y+8 : 8*y+8]
		out := dst[y*stride:][:8]
		a0, a1, a2, a3, b0, b1, b2, b3 := butterfly(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
		out[0], out[7] = clampSample((a0+b3+round)>>shift), clampSample((a0-b3+round)>>shift)
		out[1], out[6] = clampSample((a1+b2+round)>>shift), clampSample((a1-b2+round)>>shift)
		out[2], out[5] = clampSample((a2+b1+round)>>shift), clampSample((a2-b1+round)>>shift)
		out[3], out[4] = clampSample((a3+b0+round)>>shift), clampSample((a3-b0+round)>>shift)
	}
}

// butterfly computes the even (a) and odd (b) parts of eight coefficients; the
// outputs are a0+b3, a1+b2, a2+b1, a3+b0, a3-b0, a2-b1, a1-b2, a0-b3.
func butterfly(x0, x1, x2, x3, x4, x5, x6, x7 int32) (a0, a1, a2, a3, b0, b1, b2, b3 int32) {
	z := (x2 + x6) * c0541
	e2, e3 := z-x6*c1847, z+x2*c0765
	e0, e1 := (x0+x4)<<constBits, (x0-x4)<<constBits
	a0, a3, a1, a2 = e0+e3, e0-e3, e1+e2, e1-e2

	z1, z2, z3, z4 := x7+x1, x5+x3, x7+x3, x5+x1
	z5 := (z3 + z4) * c1175
	z1, z2 = -z1*c0899, -z2*c2562
	z3, z4 = z5-z3*c1961, z5-z4*c0390
	b0 = x7*c0298 + z1 + z3
	b1 = x5*c2053 + z2 + z4
	b2 = x3*c3072 + z2 + z3
	b3 = x1*c1501 + z1 + z4
	return a0, a1, a2, a3, b0, b1, b2, b3
}

// clampSample shifts a sample to 0..255 and clips it.
func clampSample(v int32) uint8 {
	v += 128
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

func put8(dst []uint8, v uint64) {
	d := dst[:8]
	for i := range d {
		d[i] = uint8(v)
	}
}
