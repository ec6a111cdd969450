package run

import (
	"encoding/binary"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestEvents reads the records back by the format's definition; masked is held
// to a published checksum first (CRC-32C of 32 zero bytes, RFC 3720, appendix B.4).
func TestEvents(t *testing.T) {
	crc := uint32(0x8a9136aa)
	if got, want := masked(make([]byte, 32)), bits.RotateLeft32(crc, 17)+0xa282ead8; got != want {
		t.Errorf("masked crc %#x, want %#x", got, want)
	}
	r := &Run{Dir: t.TempDir()}
	e, err := r.OpenEvents()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Scalars(7, map[string]float64{"train/loss": 0.5}); err != nil {
		t.Fatal(err)
	}
	if err := e.Image(8, "surest", 2, 3, []byte("png")); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(r.Path("events.out.tfevents.*"))
	if len(files) != 1 {
		t.Fatalf("event files %v", files)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var events [][]byte
	for len(raw) > 0 {
		n := binary.LittleEndian.Uint64(raw)
		if binary.LittleEndian.Uint32(raw[8:]) != masked(raw[:8]) || binary.LittleEndian.Uint32(raw[12+n:]) != masked(raw[12:12+n]) {
			t.Fatal("checksum")
		}
		events = append(events, raw[12:12+n])
		raw = raw[16+n:]
	}
	if len(events) != 3 || string(field(t, events[0], 3)) != "brain.Event:2" {
		t.Fatalf("%d events", len(events))
	}
	value := field(t, field(t, events[1], 5), 1)
	if string(field(t, value, 1)) != "train/loss" || math.Float32frombits(binary.LittleEndian.Uint32(field(t, value, 2))) != 0.5 {
		t.Errorf("scalar %q", value)
	}
	if string(field(t, field(t, field(t, field(t, events[2], 5), 1), 4), 4)) != "png" {
		t.Error("image")
	}
}

// field returns the bytes of a protobuf message's field.
func field(t *testing.T, message []byte, number protowire.Number) []byte {
	t.Helper()
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		size := protowire.ConsumeFieldValue(num, typ, message[n:])
		if n < 0 || size < 0 {
			t.Fatal("not protobuf")
		}
		value := message[n : n+size]
		if num == number {
			if typ == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			return value
		}
		message = message[n+size:]
	}
	t.Fatalf("no field %d", number)
	return nil
}
