package data

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultCacheBytes bounds a cache folder unless --cache-size says otherwise.
const DefaultCacheBytes = 20 << 30

// ErrCacheFull says that a split does not fit into the cache folder's bound: go on
// without a cache.
var ErrCacheFull = errors.New("the split's pixels are larger than the cache may be")

// CacheOptions say what a cache holds.
type CacheOptions struct {
	Dir      string // --cache-dir; made if it is not there
	MaxBytes int64  // of all files in Dir; 0 means DefaultCacheBytes
	// Key names the transform and all its parameters: pixels of another key are
	// never returned.
	Key  string
	Size int // bytes per sample: 3 * size * size
}

// Cache keeps a split's transformed pixels in one file, so that the eight
// downstream sets are decoded once and not every epoch. Give it to LoaderOptions.
//
// A file is written under a temporary name while a pass goes over the whole split,
// and renamed when the split is complete: several processes may share a folder,
// and none sees half a file. The file's name and head hold a fingerprint of the
// key and of every image's path, size and time of change; each sample has a
// checksum. A sample that fails it is decoded anew and the file removed. When the
// folder would grow beyond its bound, the files not used for the longest are removed.
type Cache struct {
	path        string
	fingerprint [sha256.Size]byte
	size, n     int
	limit       int64

	mu       sync.Mutex
	read     *os.File // the complete file
	sums     []uint32 // of its samples
	write    *os.File // the temporary file
	written  []bool
	missing  int
	newSums  []uint32
	removed  bool
	writeErr error
}

const cacheMagic = "urlbench pixels 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// headSize is the length of a file before the pixels: magic, fingerprint, number
// and size of the samples, their checksums, the head's own checksum.
func (c *Cache) headSize() int64 {
	return int64(len(cacheMagic) + sha256.Size + 16 + 4*c.n + 4)
}

func (c *Cache) fileSize() int64 { return c.headSize() + int64(c.n)*int64(c.size) }

func (c *Cache) offset(i int) int64 { return c.headSize() + int64(i)*int64(c.size) }

// OpenCache opens the cache of a split, full or empty. Close it at the end. The
// error is ErrCacheFull if the split cannot fit.
func OpenCache(d Dataset, o CacheOptions) (*Cache, error) {
	if o.Size < 1 {
		return nil, fmt.Errorf("cache: %d bytes per sample, want 3 * size * size", o.Size)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("--cache-dir: %w", err)
	}
	c := &Cache{n: d.Len(), size: o.Size, limit: o.MaxBytes}
	if c.limit == 0 {
		c.limit = DefaultCacheBytes
	}
	c.fingerprint = fingerprint(d, o)
	name := strings.NewReplacer("/", "-", ":", "-", "#", "-", string(filepath.Separator), "-").Replace(d.Name())
	c.path = filepath.Join(o.Dir, fmt.Sprintf("%s-%s.pixels", cmp.Or(name, "folder"), hex.EncodeToString(c.fingerprint[:8])))
	if c.open() {
		return c, nil
	}
	if err := c.makeRoom(); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(o.Dir, filepath.Base(c.path)+".tmp-*")
	if err != nil {
		return nil, fmt.Errorf("--cache-dir: %w", err)
	}
	// The full size at once, so that other processes count it.
	if err := f.Truncate(c.fileSize()); err != nil {
		return nil, errors.Join(fmt.Errorf("--cache-dir: %w", err), f.Close(), os.Remove(f.Name()))
	}
	c.write, c.written, c.newSums, c.missing = f, make([]bool, c.n), make([]uint32, c.n), c.n
	return c, nil
}

// fingerprint changes when the transform or any image file does.
func fingerprint(d Dataset, o CacheOptions) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%s%q %q %d %d\n", cacheMagic, d.Name(), o.Key, o.Size, d.Len())
	files, _ := d.(interface{ file(i int) string })
	for i := range d.Len() {
		fmt.Fprintf(h, "%q", d.ID(i))
		if files != nil {
			if info, err := os.Stat(files.file(i)); err == nil {
				fmt.Fprintf(h, " %q %d %d", files.file(i), info.Size(), info.ModTime().UnixNano())
			}
		}
		h.Write([]byte{'\n'})
	}
	h.Sum(sum[:0])
	return sum
}

// open takes the complete file into use, if there is one that is whole.
func (c *Cache) open() bool {
	f, err := os.Open(c.path)
	if err != nil {
		return false
	}
	head := make([]byte, c.headSize())
	info, err := f.Stat()
	if err == nil {
		_, err = io.ReadFull(f, head)
	}
	body, sum := head[:len(head)-4], head[len(head)-4:]
	if err != nil || info.Size() != c.fileSize() || !bytes.Equal(body[:len(cacheMagic)+sha256.Size], c.head()[:len(cacheMagic)+sha256.Size]) ||
		crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(sum) {
		f.Close()
		os.Remove(c.path) // nobody can use it
		return false
	}
	c.sums = make([]uint32, c.n)
	for i := range c.sums {
		c.sums[i] = binary.LittleEndian.Uint32(body[len(cacheMagic)+sha256.Size+16+4*i:])
	}
	c.read = f
	now := time.Now()
	os.Chtimes(c.path, now, now) // for makeRoom; a folder one cannot write to still serves
	return true
}

// head returns the file's head with the checksums in newSums.
func (c *Cache) head() []byte {
	b := append([]byte(cacheMagic), c.fingerprint[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.n))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.size))
	for _, s := range c.newSums {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// makeRoom removes files until the split fits: first what a process that died left
// behind, then what was not used for the longest.
func (c *Cache) makeRoom() error {
	if c.fileSize() > c.limit {
		return fmt.Errorf("%w: %d MB of %d: raise --cache-size", ErrCacheFull, c.fileSize()>>20, c.limit>>20)
	}
	entries, err := os.ReadDir(filepath.Dir(c.path))
	if err != nil {
		return fmt.Errorf("--cache-dir: %w", err)
	}
	type file struct {
		path string
		used time.Time
		size int64
	}
	var files []file
	total := c.fileSize()
	for _, e := range entries {
		path := filepath.Join(filepath.Dir(c.path), e.Name())
		info, err := e.Info()
		if err != nil || !strings.Contains(e.Name(), ".pixels") {
			continue // gone meanwhile, or not ours
		}
		temporary := strings.Contains(e.Name(), ".pixels.tmp-")
		if temporary && time.Since(info.ModTime()) > time.Hour {
			os.Remove(path)
			continue
		}
		total += info.Size()
		if !temporary {
			files = append(files, file{path, info.ModTime(), info.Size()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= c.limit {
			break
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("--cache-dir: %w", err)
		}
		total -= f.size // whoever has it open can read on
	}
	if total > c.limit {
		return fmt.Errorf("%w: other processes are filling the rest of %d MB", ErrCacheFull, c.limit>>20)
	}
	return nil
}

// Complete reports whether all samples come from the cache.
func (c *Cache) Complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read != nil && !c.removed
}

// Err returns why nothing more is kept, such as a full disk; the loader works on.
func (c *Cache) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeErr
}

// get copies a sample's pixels to dst if they are there and whole.
func (c *Cache) get(i int, dst []uint8) bool {
	c.mu.Lock()
	f := c.read
	c.mu.Unlock()
	if f == nil {
		return false
	}
	if _, err := f.ReadAt(dst, c.offset(i)); err == nil && crc32.Checksum(dst, castagnoli) == c.sums[i] {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.removed {
		c.removed = true
		os.Remove(c.path) // the next run builds it anew
	}
	return false
}

// put keeps a sample's pixels for commit.
func (c *Cache) put(i int, pix []uint8) {
	c.mu.Lock()
	f := c.write
	skip := f == nil || c.writeErr != nil || c.written[i]
	c.mu.Unlock()
	if skip {
		return
	}
	_, err := f.WriteAt(pix, c.offset(i))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.writeErr = cmp.Or(c.writeErr, fmt.Errorf("--cache-dir: %w: going on without the cache", err))
	case !c.written[i]:
		c.written[i], c.newSums[i] = true, crc32.Checksum(pix, castagnoli)
		c.missing--
	}
}

// commit publishes the file once it holds every sample, and reads from it then.
func (c *Cache) commit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.write == nil || c.missing > 0 || c.writeErr != nil {
		return
	}
	temporary := c.write.Name()
	_, err := c.write.WriteAt(c.head(), 0)
	err = cmp.Or(err, c.write.Sync())
	err = cmp.Or(err, c.write.Close())
	c.write = nil
	if err == nil {
		err = os.Rename(temporary, c.path)
	}
	if err != nil {
		c.writeErr = fmt.Errorf("--cache-dir: %w: going on without the cache", err)
		os.Remove(temporary)
		return
	}
	c.open()
}

// Close frees the files; what is not complete is dropped.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.read != nil {
		err = c.read.Close()
		c.read = nil
	}
	if c.write != nil {
		err = errors.Join(err, c.write.Close(), os.Remove(c.write.Name()))
		c.write = nil
	}
	return err
}
