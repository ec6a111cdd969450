package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// bitReader reads entropy-coded data, most significant bit first. Behind a marker
// or the end of the data it reads zeros.
type bitReader struct {
	data []byte
	pos  int
	acc  uint64 // the next bits, left-aligned
	n    uint   // how many of them count
}

// fill makes at least 57 bits available.
func (b *bitReader) fill() {
	if b.pos+8 <= len(b.data) {
		v := binary.BigEndian.Uint64(b.data[b.pos:])
		// A byte of ones is stuffing or a marker: those go the slow way.
		if x := ^v; (x-0x0101010101010101)&^x&0x8080808080808080 == 0 {
			// Bits beyond the whole bytes are put in again, the same, by the next fill.
			b.acc |= v >> b.n
			whole := (64 - b.n) >> 3
			b.pos += int(whole)
			b.n += whole << 3
			return
		}
	}
	for b.n <= 56 {
		if b.pos >= len(b.data) {
			b.n += 8
			continue
		}
		v := b.data[b.pos]
		if v == 0xff {
			if b.pos+1 >= len(b.data) || b.data[b.pos+1] != 0 {
				b.n += 8 // stay before the marker
				continue
			}
			b.pos++
		}
		b.pos++
		b.acc |= uint64(v) << (56 - b.n)
		b.n += 8
	}
}

// take returns the next k bits, at most 16.
func (b *bitReader) take(k uint) uint32 {
	if b.n < 32 {
		b.fill()
	}
	v := uint32(b.acc >> 1 >> (63 - k&63))
	b.acc <<= k & 63
	b.n -= k
	return v
}

// extend turns the k bits of an amplitude into its signed value (T.81 F.2.2.1).
func extend(v uint32, k uint) int32 {
	if k == 0 {
		return 0
	}
	x := int32(v)
	if x < 1<<(k-1) {
		x += -1<<k + 1
	}
	return x
}

// lookBits is how many bits the tables look ahead.
const lookBits = 10

// huffman is a Huffman table, ready to decode.
type huffman struct {
	defined        bool
	counts, values []byte // as defined, to recognise a table that is defined again

	// symbol holds length<<8 | symbol for codes of up to lookBits bits, else 0.
	symbol [1 << lookBits]uint16
	// whole holds, where code and amplitude fit lookBits bits, the amplitude in the
	// upper half, the run in bits 8-11, and the length of both in bits 0-4; else 0.
	whole [1 << lookBits]int32
	// Longer codes: the largest code of each length, left-aligned to 16 bits, plus 1.
	limit  [18]uint32
	offset [18]int32 // from a code of that length to its index in values
}

const endOfBlock = 1 << 12 // a bit of whole

// define builds the table, unless it is already what it is to become.
func (t *huffman) define(counts, values []byte) error {
	if bytes.Equal(t.counts, counts) && bytes.Equal(t.values, values) {
		t.defined = true
		return nil
	}
	t.defined = false
	t.counts, t.values = append(t.counts[:0], counts...), append(t.values[:0], values...)
	clear(t.symbol[:])
	clear(t.whole[:])
	code, at := uint32(0), 0
	for length := uint(1); length <= 16; length++ {
		t.offset[length] = int32(at) - int32(code)
		for range counts[length-1] {
			if code >= 1<<length {
				t.counts = t.counts[:0] // not a table to recognise
				return errors.New("damaged JPEG Huffman table: it has more codes than fit")
			}
			if length <= lookBits {
				t.fillCode(code, length, values[at])
			}
			code++
			at++
		}
		t.limit[length] = code << (16 - length)
		code <<= 1
	}
	t.limit[17] = 1 << 31
	t.defined = true
	return nil
}

// fillCode enters a short code for all bits that may follow it.
func (t *huffman) fillCode(code uint32, length uint, symbol byte) {
	free := lookBits - length
	size := uint(symbol & 15)
	for rest := range uint32(1) << free {
		i := code<<free | rest
		t.symbol[i] = uint16(length)<<8 | uint16(symbol)
		switch {
		case symbol == 0:
			t.whole[i] = int32(length) | endOfBlock
		case size <= free:
			v := extend(rest>>(free-size), size)
			t.whole[i] = v<<16 | int32(symbol>>4)<<8 | int32(length+size)
		}
	}
}

// decode returns the next symbol; a code that is not in the table is 0, as in
// libjpeg.
func (b *bitReader) decode(t *huffman) byte {
	if b.n < 32 {
		b.fill()
	}
	if e := t.symbol[b.acc>>(64-lookBits)]; e != 0 {
		b.acc <<= e >> 8 & 63
		b.n -= uint(e >> 8)
		return byte(e)
	}
	code := uint32(b.acc >> 48)
	length := uint(lookBits + 1)
	for code >= t.limit[length] {
		length++
	}
	if length > 16 {
		b.acc <<= 16
		b.n -= 16
		return 0
	}
	b.acc <<= length
	b.n -= length
	i := int32(code>>(16-length)) + t.offset[length]
	if i < 0 || int(i) >= len(t.values) {
		return 0
	}
	return t.values[i]
}
