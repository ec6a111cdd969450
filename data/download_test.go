package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFetch(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 5000)
	sum := sha256.Sum256(content)
	var ranges []string
	cut := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if cut { // the connection breaks in the middle
			w.Header().Set("Content-Length", "50000")
			w.Write(content[:20000])
			return
		}
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(content))
	}))
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "new")
	f := DownloadFile{URL: server.URL, Name: "f.bin", SHA256: hex.EncodeToString(sum[:])}
	fetch := func() error {
		return f.Fetch(context.Background(), server.Client(), dir, func(done, total int64) {
			if done > total {
				t.Errorf("%d of %d bytes", done, total)
			}
		})
	}
	path := filepath.Join(dir, "f.bin")
	cut = true
	if err := fetch(); err == nil || !strings.Contains(err.Error(), "20000") {
		t.Fatalf("cut off: %v", err)
	}
	cut = false
	if err := fetch(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) || ranges[1] != "bytes=20000-" {
		t.Errorf("%d bytes, error %v, ranges %q", len(got), err, ranges)
	}
	if err := fetch(); err != nil || len(ranges) != 2 {
		t.Errorf("a file that is there is fetched again: %v", err)
	}
	// A part that is whole, a part that is wrong, another file on the server.
	if err := os.Rename(path, path+".part"); err != nil {
		t.Fatal(err)
	}
	if err := fetch(); err != nil {
		t.Errorf("with all bytes there: %v", err)
	}
	os.Remove(path)
	if err := os.WriteFile(path+".part", []byte("something else"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetch(); err == nil {
		t.Error("a wrong part passes the checksum")
	}
	if err := fetch(); err != nil {
		t.Errorf("after a wrong part: %v", err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetch(); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("another file of that name: %v", err)
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, ownTree, dir, []string{"Pig", "cub200", "ImageNet2012", "raters.npz", "real.json"})
	if err := os.Truncate(filepath.Join(dir, "Pig/fold2/655496_04.png"), 60); err != nil {
		t.Fatal(err)
	}
	verify := func(name string) Report {
		t.Helper()
		s, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Verify(context.Background(), s, s.In(dir), true, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := verify("soft/pig"); r.OK() || len(r.Bad) != 1 || r.Images != 34 || len(r.Splits) != 4 {
		t.Errorf("Pig with a truncated image: %+v", r)
	}
	if r := verify("soft/imagenet"); r.Images != 22 || len(r.Bad) != 0 || r.OK() || r.Splits[0].Expected != 50000 {
		t.Errorf("ImageNet-RealH: %+v", r)
	}
	if r := verify("repr/cub"); r.Images != 39 || r.OK() { // fewer than the published set
		t.Errorf("CUB: %+v", r)
	}
	if r := verify("repr/sop"); !r.Absent || r.OK() {
		t.Errorf("SOP: %+v", r)
	}
	if r := verify("soft/mini-blend"); !r.OK() || r.Images != 1200 {
		t.Errorf("mini: %+v", r)
	}
}
