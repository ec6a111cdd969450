package pixel

import (
	"errors"
	"fmt"
	"strconv"
)

// pnm is the header of a binary PGM or PPM file (netpbm's P5 and P6).
type pnm struct{ w, h, max, channels, pixels int }

// pnmHeader reads the magic, the width, the height and the largest value, which
// are parted by white space and comments; one white space follows them.
func pnmHeader(data []byte) (pnm, error) {
	p := pnm{channels: 1, pixels: 2}
	if data[1] == '6' {
		p.channels = 3
	}
	for _, v := range []*int{&p.w, &p.h, &p.max} {
		i := p.pixels
		for i < len(data) && (space(data[i]) || data[i] == '#') {
			if data[i] == '#' {
				for i < len(data) && data[i] != '\n' {
					i++
				}
				continue
			}
			i++
		}
		end := i
		for end < len(data) && data[end] >= '0' && data[end] <= '9' {
			end++
		}
		if end == len(data) {
			return p, ErrTruncated
		}
		n, err := strconv.Atoi(string(data[i:end]))
		if err != nil || end-i > 9 {
			return p, errors.New("damaged PNM header: a number is missing")
		}
		*v, p.pixels = n, end
	}
	p.pixels++
	if p.max != 255 {
		return p, fmt.Errorf("PNM with a largest value of %d; 255 is supported", p.max)
	}
	return p, nil
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func pnmSize(data []byte) (w, h int, err error) {
	p, err := pnmHeader(data)
	return p.w, p.h, err
}

func decodePNM(dst []uint8, w, h int, data []byte, _ Rect) error {
	p, err := pnmHeader(data)
	if err != nil {
		return err
	}
	pix := data[p.pixels:]
	if len(pix) < w*h*p.channels {
		return ErrTruncated
	}
	if p.channels == 3 {
		copy(dst, pix[:3*w*h])
		return nil
	}
	for i, v := range pix[:w*h] {
		dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
	}
	return nil
}
