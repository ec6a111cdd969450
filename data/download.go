package data

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Download says where a set's files can be fetched by a program.
type Download struct {
	Files []DownloadFile
	After string // what is left to do by hand
}

// DownloadFile is one file and its name below the folder of all sets.
type DownloadFile struct {
	URL, Name string
	SHA256    string
	MD5       string // where the publisher gives no SHA-256
	Size      int64  // bytes, 0 if not known
}

// downloads are the sets with a stable public address.
var downloads = map[string]*Download{
	"repr/cub": {
		Files: []DownloadFile{{URL: "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz", Name: "CUB_200_2011.tgz", MD5: "97eceeb196236b17998738112f37df78"}},
		After: "unpack it and name its folder cub200: tar xzf CUB_200_2011.tgz && mv CUB_200_2011 cub200",
	},
	"soft/imagenet": {
		Files: []DownloadFile{
			{URL: "https://raw.githubusercontent.com/google-research/reassessed-imagenet/master/raters.npz", Name: "raters.npz", SHA256: "d3ffe8082e4e61e9716cbc93a7a4e877e3b1d1240032a176e797b43f19107ec8", Size: 2457121},
			{URL: "https://raw.githubusercontent.com/google-research/reassessed-imagenet/master/real.json", Name: "real.json", SHA256: "d83e9bff374c631aae8439eb064c7019acc56e1b3bc3f56b8380c2a710b0220b", Size: 388478},
		},
		After: "the images themselves are ImageNet's, to be laid out in ImageNet2012/val: see torch/imagenet",
	},
}

// Fetch downloads the file into dir. A download that was cut off goes on where it
// stopped; the file gets its name only once its checksum is right, and a file that
// is there already is left alone. progress, which may be nil, is called with the
// bytes so far and in all (0 if the server does not say).
func (f DownloadFile) Fetch(ctx context.Context, client *http.Client, dir string, progress func(done, total int64)) error {
	path := filepath.Join(dir, f.Name)
	if sum, err := f.check(path); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is there with checksum %s, want %s: move it away", path, sum, cmp.Or(f.SHA256, f.MD5))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	part := path + ".part"
	if err := f.download(ctx, client, part, progress); err != nil {
		return err
	}
	if sum, err := f.check(part); err != nil {
		os.Remove(part) // going on with it would not help
		return fmt.Errorf("%s: the file has checksum %s, want %s: fetch it again; if it stays so, the address serves another file", f.URL, sum, cmp.Or(f.SHA256, f.MD5))
	}
	return os.Rename(part, path)
}

func (f DownloadFile) download(ctx context.Context, client *http.Client, part string, progress func(done, total int64)) error {
	out, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: what came so far is kept, run the command again", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		have = 0 // the server sends all of it
	case http.StatusPartialContent:
		if got := resp.Header.Get("Content-Range"); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", have)) {
			return fmt.Errorf("%s: asked for the bytes from %d on, got %q: remove %s and run the command again", f.URL, have, got, part)
		}
	case http.StatusRequestedRangeNotSatisfiable:
		return nil // all of it is there, or too much: the checksum tells
	default:
		return fmt.Errorf("%s: the server says %s", f.URL, resp.Status)
	}
	if err := out.Truncate(have); err != nil {
		return err
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return err
	}
	total := int64(0)
	if resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	counter := &countingWriter{w: out, done: have, total: total, progress: progress}
	if _, err := io.Copy(counter, resp.Body); err != nil {
		return fmt.Errorf("%s: cut off after %d bytes: %w: run the command again to go on", f.URL, counter.done, err)
	}
	return out.Close()
}

// check compares a file's checksum.
func (f DownloadFile) check(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	var h hash.Hash = sha256.New()
	want := f.SHA256
	if want == "" {
		h, want = md5.New(), f.MD5
	}
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if sum != want {
		return sum, errors.New("wrong checksum")
	}
	return sum, nil
}

type countingWriter struct {
	w           io.Writer
	done, total int64
	progress    func(done, total int64)
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
	return n, err
}
