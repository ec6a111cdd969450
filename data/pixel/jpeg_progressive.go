package pixel

// refine decodes a block's share of a progressive scan (T.81 G.2). Coefficients
// are kept in zigzag order.
func (d *jpegDecoder) refine(c *jpegComponent, block *[64]int16, s spectral) {
	b := &d.bits
	switch {
	case s.start == 0 && s.high == 0:
		block[0] = int16(b.difference(c) << s.low)
	case s.start == 0:
		if b.take(1) != 0 {
			block[0] |= 1 << s.low
		}
	case s.high == 0:
		d.firstAC(c, block, s)
	default:
		d.refineAC(c, block, s)
	}
}

// firstAC decodes a band's first bits.
func (d *jpegDecoder) firstAC(c *jpegComponent, block *[64]int16, s spectral) {
	if d.eobRun > 0 {
		d.eobRun--
		return
	}
	b := &d.bits
	for k := s.start; k <= s.end; k++ {
		symbol := b.decode(c.ac)
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 {
			if run != 15 {
				d.eobRun = 1<<run - 1 + int(b.take(uint(run)))
				return
			}
			k += 15
			continue
		}
		k += run
		v := int16(extend(b.take(size), size) << s.low)
		block[min(k, 63)] = v
	}
}

// refineAC adds one bit to a band's coefficients and decodes those that become
// nonzero.
func (d *jpegDecoder) refineAC(c *jpegComponent, block *[64]int16, s spectral) {
	b := &d.bits
	one := int16(1) << s.low
	k := s.start
	// correct refines nonzero coefficients until it has passed run zeros.
	correct := func(run int) {
		for ; k <= s.end; k++ {
			v := block[k]
			if v == 0 {
				if run == 0 {
					return
				}
				run--
				continue
			}
			if b.take(1) != 0 && v&one == 0 {
				if v > 0 {
					block[k] = v + one
				} else {
					block[k] = v - one
				}
			}
		}
	}
	if d.eobRun == 0 {
		for ; k <= s.end; k++ {
			symbol := b.decode(c.ac)
			run, size := int(symbol>>4), symbol&15
			var v int16
			if size != 0 {
				v = -one
				if b.take(1) != 0 {
					v = one
				}
			} else if run != 15 {
				d.eobRun = 1<<run + int(b.take(uint(run)))
				break
			}
			correct(run)
			if v != 0 && k <= s.end {
				block[k] = v
			}
		}
	}
	if d.eobRun > 0 {
		correct(64)
		d.eobRun--
	}
}

// reconstruct transforms the wanted blocks of a progressive image.
func (d *jpegDecoder) reconstruct() {
	var block [64]int32
	for i := range d.components {
		c := &d.components[i]
		for y := d.blocks.Y0 * c.v; y < d.blocks.Y1*c.v; y++ {
			for x := d.blocks.X0 * c.h; x < d.blocks.X1*c.h; x++ {
				at := 64 * (y*c.perLine + x)
				nonzero := uint64(1)
				for k, v := range c.coefficients[at : at+64] {
					if v != 0 {
						z := zigzag[k]
						block[z] = int32(v) * c.quant[k]
						nonzero |= 1 << z
					}
				}
				idct(&block, nonzero, c.plane[8*(y*c.stride()+x):], c.stride())
				block = [64]int32{}
			}
		}
	}
}
