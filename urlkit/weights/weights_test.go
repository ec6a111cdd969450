package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/safetensors"
	"urlbench/urlkit/device"
	"urlbench/urlkit/nn"
)

func open(t *testing.T, file string) *StateDict {
	t.Helper()
	s, err := Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// counted is the value that write.py gives a tensor, by its name.
func counted(name string, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(len(name)) + float64(i)/4
	}
	return out
}

var stateShapes = map[string][]int{
	"conv1.weight": {4, 3, 2, 2}, "bn1.weight": {4}, "bn1.running_mean": {4}, "fc.weight": {5, 4}, "fc.bias": {5}, "bn1.num_batches_tracked": {},
}

func TestOpenTorch(t *testing.T) {
	for _, file := range []string{"state.pth", "legacy.pth", "checkpoint.pth.tar", "legacy.pth.tar", "evil.pth"} {
		t.Run(file, func(t *testing.T) {
			s := open(t, file)
			if len(s.Names()) != len(stateShapes) || s.EMA != strings.HasSuffix(file, ".tar") {
				t.Errorf("entries %v, EMA %v", s.Names(), s.EMA)
			}
			for name, shape := range stateShapes {
				x, err := s.Tensor(name)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(x.Shape, shape) {
					t.Errorf("%s has shape %v, want %v", name, x.Shape, shape)
				}
				want := counted(name, x.Len())
				if name == "bn1.num_batches_tracked" {
					want = []float64{7}
				}
				if got := x.Float64s(); !slices.Equal(got, want) {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
		})
	}
}

func TestOpenKinds(t *testing.T) {
	s := open(t, "kinds.pth")
	base := counted("shared", 24)
	var transposed []float64
	for c := range 4 {
		for r := range 6 {
			transposed = append(transposed, base[4*r+c])
		}
	}
	for name, want := range map[string][]float64{
		"half": counted("half", 3), "bfloat": counted("bfloat", 3), "double": counted("double", 3), "bytes": {5, 5, 5},
		"bool": {1, 0}, "scalar": {2.5}, "empty": {}, "transposed": transposed, "rows": base[8:16],
		"column": {base[1], base[5], base[9], base[13], base[17], base[21]}, "channels_last": counted("channels_last", 24),
		"parameter": counted("parameter", 2),
	} {
		x, err := s.Tensor(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := x.Float64s(); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// TestNothingIsRun opens pickles that call os.system.
func TestNothingIsRun(t *testing.T) {
	const proof = "/tmp/urlbench-weights-was-here"
	open(t, "evil.pth")
	if _, err := Open("testdata/evil_root.pth"); err == nil || !strings.Contains(err.Error(), "holds no dict") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(proof); err == nil {
		t.Errorf("%s exists: the pickle was run", proof)
	}
}

// TestDamagedFiles cuts every test file short and flips its bytes: an error that
// names the file, or tensors within their storages, and never a panic.
func TestDamagedFiles(t *testing.T) {
	for _, file := range []string{"state.pth", "legacy.pth", "checkpoint.pth.tar", "kinds.pth"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 1 + len(data)/150 {
			if _, err := Parse(file, data[:n]); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%s cut to %d of %d bytes: error %v", file, n, len(data), err)
			}
		}
		for at := 0; at < len(data); at += 1 + len(data)/600 {
			damaged := slices.Clone(data)
			damaged[at] ^= 0x55
			readAll(t, file, damaged)
		}
	}
}

// readAll reads whatever can be read.
func readAll(t *testing.T, name string, data []byte) {
	t.Helper()
	s, err := Parse(name, data)
	if err != nil {
		if !strings.Contains(err.Error(), name) {
			t.Fatalf("error without the file's name: %v", err)
		}
		return
	}
	for _, entry := range s.Names() {
		x, err := s.Tensor(entry)
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Data) != x.Len()*x.DType.Size() {
			t.Fatalf("%s: %d bytes for %v of %s", entry, len(x.Data), x.Shape, x.DType)
		}
	}
}

func TestHostilePickles(t *testing.T) {
	for _, c := range []struct{ pickle, want string }{
		{"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "truncated"}, // bytes of 2^63
		{"\x80\x02X\xff\xff\xff\xffabc.", "truncated"},                 // text of 4 GiB
		{"\x80\x02\x95\xff\xff\xff\xff\xff\xff\xff\x00.", "truncated"}, // a frame
		{"\x80\x02\x8b\x00\x00\x10\x00" + strings.Repeat("x", 1<<20), "number of 1048576 bytes"},
		{"\x80\x02\x8a\x00.", "number of 0 bytes"},
		{"\x80\x02" + strings.Repeat("(", 5000) + ".", "open marks"},
		{"\x80\x02" + strings.Repeat("N0", 1<<20) + ".", "instructions"},
		{"\x80\x02\x82\x01.", "isn't one of a checkpoint's"}, // the extension registry
		{"\x80\x02Pname\n.", "isn't one of a checkpoint's"},
		{"\x80\x02I" + strings.Repeat("1", 1<<17), "endless line"},
		{"\x80\x02}X\x01\x00\x00\x00a", "truncated"},
	} {
		if _, err := checkPickle([]byte(c.pickle)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: error %v, want one with %q", c.pickle, err, c.want)
		}
	}
	// Well-formed, but not what gopickle's code expects.
	for _, p := range []string{"\x80\x02}]N}s.", "\x80\x02t.", "\x80\x02)R.", "\x80\x02}N]e.", "\x80\x02NQ.", "\x80\x02(d.", "\x80\x02}(Nu."} {
		n, err := checkPickle([]byte(p))
		if err != nil {
			t.Errorf("%q: %v", p, err)
			continue
		}
		v, err := unpickle([]byte(p)[:n], map[string]*storage{})
		if err == nil {
			_, err = items(v)
		}
		t.Logf("%q: %v", p, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"state.pth", "legacy.pth", "kinds.pth", "evil.pth"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { readAll(t, "fuzz.pth", data) })
}

func FuzzPickle(f *testing.F) {
	f.Add([]byte("\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s."))
	f.Add([]byte("\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01."))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := checkPickle(data)
		if err != nil {
			return
		}
		if v, err := unpickle(data[:n], map[string]*storage{}); err == nil {
			if _, err := items(v); err != nil {
				return
			}
		}
	})
}

// wanted are the entries of stateShapes, as a model would have them.
func wanted() []Entry {
	var out []Entry
	for name, shape := range stateShapes {
		dtype := dtypes.Float32
		if strings.HasSuffix(name, "tracked") {
			dtype = dtypes.Int64
		}
		out = append(out, Entry{name, shapes.Make(dtype, shape...)})
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func TestLoadAndExport(t *testing.T) {
	for _, file := range []string{"state.pth", "legacy.pth.tar"} {
		s := open(t, file)
		store := model.NewStore()
		said, err := Load(store, s, wanted(), Options{})
		if err != nil || len(said) > 0 {
			t.Fatal(said, err)
		}
		back, err := FromStore(store)
		if err != nil {
			t.Fatal(err)
		}
		if len(back) != len(stateShapes) {
			t.Errorf("%d entries come back, want %d", len(back), len(stateShapes))
		}
		for _, x := range back {
			was, err := s.Tensor(x.Name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(x.Data, was.Data) || !slices.Equal(x.Shape, was.Shape) || x.DType != was.DType {
				t.Errorf("%s comes back as %v %v, was %v %v", x.Name, x.Shape, x.Float64s(), was.Shape, was.Float64s())
			}
		}
		path := filepath.Join(t.TempDir(), "out.safetensors")
		if _, err := Export(s, path, false); err != nil {
			t.Fatal(err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range s.Names() {
			x, err := again.Tensor(name)
			if err != nil || !bytes.Equal(x.Data, s.tensors[name].Data) {
				t.Errorf("%s is not the same in the exported file: %v", name, err)
			}
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	s := open(t, "state.pth")
	w := wanted()
	w = slices.DeleteFunc(w, func(e Entry) bool { return e.Name == "conv1.weight" })
	w = append(w, Entry{"layer1.0.conv1.weight", shapes.Make(dtypes.Float32, 3)}, Entry{"bn2.num_batches_tracked", shapes.Make(dtypes.Int64)})
	for i := range w {
		switch w[i].Name {
		case "fc.weight":
			w[i].Shape = shapes.Make(dtypes.Float32, 9, 4)
		case "bn1.num_batches_tracked":
			w[i].Shape = shapes.Make(dtypes.Float32)
		}
	}
	store := model.NewStore()
	_, err := Load(store, s, w, Options{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"state.pth does not fit the model", "1 missing: layer1.0.conv1.weight;", "1 unexpected: conv1.weight;",
		"2 misshapen: ", "fc.weight [5 4], want [9 4]", "bn1.num_batches_tracked is I64, want Float32",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if store.NumVariables() != 0 {
		t.Error("an error leaves variables in the Store")
	}
}

func TestHeadIsReplaced(t *testing.T) {
	s := open(t, "state.pth")
	w := append(wanted(), Entry{"unc_module.unc_module.0.weight", shapes.Make(dtypes.Float32, 2, 2)})
	for i := range w {
		if w[i].Name == "fc.weight" || w[i].Name == "fc.bias" {
			w[i].Shape.Dimensions[0] = 9
			w[i].Shape = shapes.Make(dtypes.Float32, w[i].Shape.Dimensions...)
		}
	}
	store := model.NewStore()
	said, err := Load(store, s, w, Pretrained("fc"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{"fc.weight has shape [5 4] in the file, want [9 4]", "fc.bias", "unc_module.unc_module.0.weight is not in the file"} {
		if !strings.Contains(text, want) {
			t.Errorf("said %q, want %q", text, want)
		}
	}
	if store.GetVariable(nn.ModelScope+"/fc.weight") != nil || store.GetVariable(nn.ModelScope+"/conv1.weight") == nil {
		t.Error("the classifier must keep its start values, the rest be loaded")
	}
}

func TestWantedListsTheGraph(t *testing.T) {
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Wanted(d.Backend, func(scope *model.Scope, images *Node) {
		c := nn.NewContext(scope, dtypes.Float32, false)
		nn.Linear(c.In("fc"), Reshape(images, 2, 12), 5)
	}, 2, 2, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range got {
		names = append(names, fmt.Sprint(e.Name, e.Shape.Dimensions))
	}
	if want := []string{"fc.bias[5]", "fc.weight[5 12]"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if _, err := Wanted(d.Backend, func(*model.Scope, *Node) { panic(fmt.Errorf("no model")) }, 1); err == nil {
		t.Error("a graph that can't be built: no error")
	}
}

func TestStrip(t *testing.T) {
	for in, want := range map[string]string{
		"conv1.weight": "conv1.weight", "module.conv1.weight": "conv1.weight", "model.fc.bias": "fc.bias",
		"module.model.model.fc.bias": "fc.bias", "unc_module.unc_module.0.bias": "unc_module.unc_module.0.bias",
		"model.classifier.shallow_classifiers.weight": "classifier.shallow_classifiers.weight",
	} {
		if got := Strip(in); got != want {
			t.Errorf("Strip(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestPeakMemory loads a file in a process of its own and compares its peak with
// the weights' size.
func TestPeakMemory(t *testing.T) {
	const tensors, elements = 16, 2 << 20 // 128 MiB
	if path := os.Getenv("URLBENCH_TEST_LOAD"); path != "" {
		before := peak(t)
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var w []Entry
		for _, name := range s.Names() {
			w = append(w, Entry{name, shapes.Make(dtypes.Float32, elements)})
		}
		if _, err := Load(model.NewStore(), s, w, Options{}); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("peak %d\n", peak(t)-before)
		return
	}
	path := filepath.Join(t.TempDir(), "big.safetensors")
	var list []*safetensors.Tensor
	for i := range tensors {
		data := make([]byte, 4*elements)
		for j := 0; j < len(data); j += 4096 {
			data[j] = byte(i)
		}
		list = append(list, &safetensors.Tensor{Name: fmt.Sprint("t", i), DType: safetensors.F32, Shape: []int{elements}, Data: data})
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(f, list, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestPeakMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "URLBENCH_TEST_LOAD="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, text, ok := strings.Cut(string(out), "peak ")
	text, _, _ = strings.Cut(text, "\n")
	got, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		t.Fatalf("no peak in %s", out)
	}
	if size := int64(4 * tensors * elements); got < size || got >= 2*size {
		t.Errorf("peak %d MiB for %d MiB of weights, want less than twice", got>>20, size>>20)
	}
}

func peak(t *testing.T) int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc/self/status on this system")
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func TestResamplePosition(t *testing.T) {
	// A constant stays, a ramp keeps its slope inside, and torch's numbers for
	// 4x4 -> 6x6 and 4x4 -> 3x3 are in TestPython.
	x := make([]float32, 64)
	for i := range x {
		x[i] = 3
	}
	for _, to := range []int{3, 8, 11} {
		for _, v := range ResamplePosition(x, 8, to, 1) {
			if math.Abs(float64(v)-3) > 1e-6 {
				t.Fatalf("a constant becomes %v", v)
			}
		}
	}
	if got := ResamplePosition(x[:16], 4, 4, 1); !slices.Equal(got, x[:16]) {
		t.Errorf("the same size: %v", got)
	}
}

func TestHub(t *testing.T) {
	for in, want := range map[string]string{
		"resnet50": "timm/resnet50.a1_in1k", "resnet50.a2_in1k": "timm/resnet50.a2_in1k", "hf_hub:me/mine": "me/mine", "me/mine": "me/mine",
	} {
		if got, err := HubID(in); err != nil || got != want {
			t.Errorf("HubID(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"nothing", "../etc/passwd", "a/b/c", "a/..", ""} {
		if got, err := HubID(in); err == nil {
			t.Errorf("HubID(%q) = %q, want an error", in, got)
		}
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1") // nobody listens
	_, err := Fetch(t.Context(), "resnet50")
	if err == nil || !strings.Contains(err.Error(), "download https://huggingface.co/timm/resnet50.a1_in1k/resolve/main/model.safetensors") || strings.Contains(err.Error(), "\n") {
		t.Errorf("no network: error %v, want one that says how to do it by hand", err)
	}
	dir := filepath.Join(cache, "huggingface", "hub", "models--timm--resnet50.a1_in1k", "snapshots", "0123")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "model.safetensors")
	if err := os.WriteFile(want, binary.LittleEndian.AppendUint64(nil, 2), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Fetch(t.Context(), "resnet50"); err != nil || got != want {
		t.Errorf("from the cache: %q, %v, want %q", got, err, want)
	}
}
