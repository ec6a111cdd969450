package run

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Events writes TensorBoard's event files: records of a length, its checksum, a
// protobuf Event and its checksum (TensorFlow's TFRecord format). Each process
// that trains begins a file of its own, as TensorBoard expects of a resumed run.
type Events struct {
	file *os.File
}

// OpenEvents begins an event file in the run's folder.
func (r *Run) OpenEvents() (*Events, error) {
	now := time.Now()
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	name := fmt.Sprintf("events.out.tfevents.%d.%s.%d", now.UnixNano()/1e3, host, os.Getpid())
	f, err := os.Create(filepath.Join(r.Dir, name))
	if err != nil {
		return nil, err
	}
	e := &Events{f}
	// field 1 wall_time, field 3 file_version
	event := protowire.AppendTag(nil, 1, protowire.Fixed64Type)
	event = protowire.AppendFixed64(event, math.Float64bits(seconds(now)))
	event = protowire.AppendTag(event, 3, protowire.BytesType)
	event = protowire.AppendString(event, "brain.Event:2")
	return e, e.record(event)
}

// Close closes the file.
func (e *Events) Close() error { return e.file.Close() }

// Scalars writes numbers of one step by tag; NaN and infinities are kept.
func (e *Events) Scalars(step int, values map[string]float64) error {
	tags := make([]string, 0, len(values))
	for tag := range values {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	var summary []byte
	for _, tag := range tags {
		value := protowire.AppendTag(nil, 1, protowire.BytesType) // tag
		value = protowire.AppendString(value, tag)
		value = protowire.AppendTag(value, 2, protowire.Fixed32Type) // simple_value
		value = protowire.AppendFixed32(value, math.Float32bits(float32(values[tag])))
		summary = protowire.AppendTag(summary, 1, protowire.BytesType)
		summary = protowire.AppendBytes(summary, value)
	}
	return e.summary(step, summary)
}

// Image writes a PNG of the given size at one step.
func (e *Events) Image(step int, tag string, width, height int, png []byte) error {
	image := protowire.AppendTag(nil, 1, protowire.VarintType)
	image = protowire.AppendVarint(image, uint64(height))
	image = protowire.AppendTag(image, 2, protowire.VarintType)
	image = protowire.AppendVarint(image, uint64(width))
	image = protowire.AppendTag(image, 3, protowire.VarintType)
	image = protowire.AppendVarint(image, 3) // RGB
	image = protowire.AppendTag(image, 4, protowire.BytesType)
	image = protowire.AppendBytes(image, png)
	value := protowire.AppendTag(nil, 1, protowire.BytesType)
	value = protowire.AppendString(value, tag)
	value = protowire.AppendTag(value, 4, protowire.BytesType)
	value = protowire.AppendBytes(value, image)
	summary := protowire.AppendTag(nil, 1, protowire.BytesType)
	return e.summary(step, protowire.AppendBytes(summary, value))
}

func (e *Events) summary(step int, summary []byte) error {
	event := protowire.AppendTag(nil, 1, protowire.Fixed64Type)
	event = protowire.AppendFixed64(event, math.Float64bits(seconds(time.Now())))
	event = protowire.AppendTag(event, 2, protowire.VarintType)
	event = protowire.AppendVarint(event, uint64(step))
	event = protowire.AppendTag(event, 5, protowire.BytesType)
	return e.record(protowire.AppendBytes(event, summary))
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the format's checksum: CRC-32C, rotated and shifted.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// record appends one record in one write, so that a killed process leaves at most
// one broken record at the end, which TensorBoard ignores.
func (e *Events) record(data []byte) error {
	buf := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	buf = binary.LittleEndian.AppendUint32(buf, masked(buf))
	buf = append(buf, data...)
	buf = binary.LittleEndian.AppendUint32(buf, masked(data))
	_, err := e.file.Write(buf)
	return err
}
