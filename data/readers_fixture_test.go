package data

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"urlbench/internal/fixture"
	"urlbench/urlkit/semantics"
)

// tree is the fixtures' folder of miniature sets.
func tree() string { return fixture.Path("data/tree") }

// ownTree is the folder of the miniature sets in this repository, for tests that
// know what lies in it: URLBENCH_FIXTURES may hold others.
const ownTree = "../testdata/fixtures/data/tree"

// readFixture decodes a JSON file of data/.
func readFixture(t testing.TB, name string, v any) {
	t.Helper()
	file, err := os.ReadFile(fixture.Path("data/" + name))
	if err == nil {
		err = json.Unmarshal(file, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// rooted returns the set's registry name, its options and the folder of its root
// below the tree, for a name of readers.json.
func rooted(dataset, tree string) (string, Options, string) {
	o := Options{Root: tree}
	sub := ""
	switch {
	case strings.HasSuffix(dataset, "imagenet"):
		sub = "ImageNet2012"
	case strings.Contains(dataset, "folder"):
		sub = "folder"
	}
	if strings.HasSuffix(dataset, "_classmap") {
		o.ClassMap = "class_map.txt"
	}
	name := dataset
	if !strings.Contains(dataset, "/") {
		name = ""
	}
	o.Root = filepath.Join(tree, sub)
	return name, o, sub
}

// ids returns the samples' paths below the tree.
func ids(d Dataset, sub string) []string {
	out := make([]string, d.Len())
	for i := range out {
		out[i] = filepath.ToSlash(filepath.Join(sub, d.ID(i)))
	}
	return out
}

func labels(d Dataset) []int {
	out := make([]int, d.Len())
	for i := range out {
		out[i] = d.Label(i)
	}
	return out
}

func TestFixtureReaders(t *testing.T) {
	type entry struct {
		Samples     json.RawMessage
		Labels      []int
		N           *int
		ClassToIdx  map[string]int `json:"class_to_idx"`
		WnidToIdx   map[string]int `json:"wnid_to_idx"`
		Error, When string
		Counted     int
	}
	var entries map[string]entry
	readFixture(t, "readers.json", &entries)
	targets := fixture.Open(t, "data/readers.safetensors")
	cases := map[string]fixture.Case{}
	for _, c := range targets.Cases() {
		cases[c.Name] = c
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		want := entries[key]
		dataset, split, ok := strings.Cut(key, ":")
		if !ok {
			if key != "real_labels_accuracy" {
				t.Errorf("%s: unknown kind of case", key)
			}
			continue
		}
		t.Run(strings.ReplaceAll(key, "/", "_"), func(t *testing.T) {
			defer func() { fixture.Record("data/readers.json", key, "samples, labels", "exact", "exact", 0, !t.Failed()) }()
			name, o, sub := rooted(dataset, tree())
			d, err := Open(name, split, o)
			if want.Error != "" {
				if err == nil || strings.Contains(err.Error(), "\n") {
					t.Fatalf("error %v, want one line (there: %s)", err, want.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var samples []string
			if err := json.Unmarshal(want.Samples, &samples); err != nil {
				t.Fatal(err)
			}
			if got := ids(d, sub); !slices.Equal(got, samples) {
				t.Errorf("samples\n%q, want\n%q", got, samples)
			}
			if got := labels(d); !slices.Equal(got, want.Labels) || d.Len() != *want.N {
				t.Errorf("labels %v, want %v", got, want.Labels)
			}
			classes := want.ClassToIdx
			if want.WnidToIdx != nil {
				classes = want.WnidToIdx
				named := map[string]int{}
				for i := range want.WnidToIdx {
					for _, n := range d.(*ImageNetSet).Names(want.WnidToIdx[i]) {
						named[n] = want.WnidToIdx[i]
					}
				}
				if !maps.Equal(named, want.ClassToIdx) {
					t.Errorf("names of the classes %v, want %v", named, want.ClassToIdx)
				}
			}
			got := map[string]int{}
			for i, c := range d.Classes() {
				if c != "" {
					got[c] = i
				}
			}
			if classes != nil && !maps.Equal(got, classes) {
				t.Errorf("classes %v, want %v", got, classes)
			}
			for i, label := range labels(d) {
				if d.Classes()[label] == "" {
					t.Errorf("sample %d: label %d has no name", i, label)
				}
			}
			soft := strings.HasPrefix(name, "soft/")
			// The evaluation split has several names and one tensor.
			c, ok := cases[key]
			if same, isVal := strings.CutSuffix(key, ":val"); isVal && !ok {
				c, ok = cases[same+":validation"]
			}
			if ok != soft {
				t.Fatalf("%s in readers.safetensors: %v", key, ok)
			} else if soft {
				var all []float64
				for i := range d.Len() {
					all = append(all, float64(d.Label(i)))
					all = append(all, d.Soft(i)...)
				}
				c.Compare(t, "out.targets", "exact", all, fixture.Abs(0))
			} else if d.Soft(0) != nil {
				t.Errorf("votes in a set with one label per image")
			}
		})
	}
	t.Run("realh", func(t *testing.T) {
		table, err := ReadRealH(filepath.Join(tree(), "raters.npz"), filepath.Join(tree(), "real.json"))
		if err != nil {
			t.Fatal(err)
		}
		var all []float64
		for i := range table.Len() {
			all = append(all, table.Row(i)...)
		}
		cases["realh"].Compare(t, "out.soft_labels_by_val_id", "exact", all, fixture.Abs(0))
	})
	t.Run("real_labels_accuracy", func(t *testing.T) {
		c, key := cases["real_labels_accuracy"], "real_labels_accuracy"
		d := mustOpen(t, "", "validation", Options{Root: filepath.Join(tree(), "ImageNet2012")})
		real, err := ReadRealLabels(filepath.Join(tree(), "real.json"))
		if err != nil {
			t.Fatal(err)
		}
		logits := c.Tensor(t, "in.logits")
		values, n := logits.Float64s(), logits.Shape[1]
		best := make([][]int, d.Len())
		for i := range best {
			row := values[i*n : (i+1)*n]
			best[i] = make([]int, n)
			for j := range best[i] {
				best[i][j] = j
			}
			sort.SliceStable(best[i], func(a, b int) bool { return row[best[i][a]] > row[best[i][b]] })
		}
		for _, k := range []int{1, 5} {
			got, counted, err := RealAccuracy(real, ids(d, ""), best, k)
			if err != nil || counted != entries[key].Counted {
				t.Errorf("%d images counted, error %v, want %d", counted, err, entries[key].Counted)
			}
			c.Compare(t, fmt.Sprintf("out.top%d", k), "float64", []float64{got}, fixture.Rel(1e-12))
		}
	})
}

// Under Corrected semantics, each image has the votes that were given for it.
func TestFixtureRealHCorrected(t *testing.T) {
	_, o, _ := rooted("soft/imagenet", tree())
	o.Semantics = semantics.Corrected
	d := mustOpen(t, "soft/imagenet", Validation, o)
	var c fixture.Case
	for _, other := range fixture.Open(t, "data/readers.safetensors").Cases() {
		if other.Name == "realh" {
			c = other
		}
	}
	table := c.Tensor(t, "out.soft_labels_by_val_id").Float64s()
	var got, want []float64
	moved := 0
	for i := range d.Len() {
		var number int
		if _, err := fmt.Sscanf(filepath.Base(d.ID(i)), "ILSVRC2012_val_%d.JPEG", &number); err != nil {
			t.Fatal(err)
		}
		if number-1 != i {
			moved++
		}
		got = append(got, d.Soft(i)...)
		want = append(want, table[(number-1)*imageNetClasses:number*imageNetClasses]...)
	}
	if moved == 0 {
		t.Error("the tree has its images in the order of the table: nothing is tested")
	}
	c.CompareTo(t, "votes by image", "corrected", got, want, fixture.Abs(0))
}

func TestFixtureSplitRule(t *testing.T) {
	var rule map[string]struct {
		Train     []int
		N         int  `json:"n_validation"`
		Ascending bool `json:"validation_is_ascending_complement"`
	}
	readFixture(t, "split_rule.json", &rule)
	if len(rule) == 0 {
		t.Fatal("no cases")
	}
	for key, want := range rule {
		var n int
		if _, err := fmt.Sscan(key, &n); err != nil {
			t.Fatal(err)
		}
		train, validation := trainIndices(n), validationIndices(n)
		ok := slices.Equal(train, want.Train) && len(validation) == want.N && slices.IsSorted(validation)
		if !ok {
			t.Errorf("n = %d: train %v, want %v; %d for validation, want %d", n, train, want.Train, len(validation), want.N)
		}
		fixture.Record("data/split_rule.json", key, "train", "exact", "exact", 0, ok)
	}
}

func TestFixtureLoaderOrder(t *testing.T) {
	var orders struct {
		Cases []struct {
			Dataset, Split string
			N, Workers     int
			BatchSize      int     `json:"batch_size"`
			Training       bool    `json:"is_training"`
			LenLoader      int     `json:"len_loader"`
			First          [][]int `json:"first_pass"`
			Second         [][]int `json:"second_pass"`
			Batches        []int
		}
	}
	readFixture(t, "loader_order.json", &orders)
	for i, c := range orders.Cases {
		name, o, _ := rooted(c.Dataset, tree())
		d := mustOpen(t, name, c.Split, o)
		// The original shuffles sets with an index (torch/...), never the others.
		shuffled := c.Training && strings.HasPrefix(c.Dataset, "torch/")
		lo := LoaderOptions{BatchSize: c.BatchSize, Size: 1, Transform: nothing, DropLast: c.Training, Shuffle: shuffled}
		if !shuffled {
			lo.OriginalWorkers = c.Workers
		}
		l := mustLoad(t, d, lo)
		ok := d.Len() == c.N
		if shuffled {
			var sizes []int
			var all []int
			for _, b := range collect(t, l, 0, 0) {
				sizes = append(sizes, b.N)
				all = append(all, b.Index...)
			}
			slices.Sort(all)
			ok = ok && slices.Equal(sizes, c.Batches) && len(slices.Compact(all)) == c.LenLoader*c.BatchSize
		} else {
			for pass, want := range [][][]int{c.First, c.Second} {
				var got [][]int
				for _, b := range collect(t, l, pass, 0) {
					got = append(got, b.Index)
				}
				if want != nil && fmt.Sprint(got) != fmt.Sprint(want) {
					ok = false
					t.Errorf("case %d %s:%s, %d workers, batch %d, pass %d: %v, want %v", i, c.Dataset, c.Split, c.Workers, c.BatchSize, pass, got, want)
				}
			}
		}
		if !ok {
			t.Errorf("case %d %s:%s differs", i, c.Dataset, c.Split)
		}
		fixture.Record("data/loader_order.json", fmt.Sprintf("%d %s:%s", i, c.Dataset, c.Split), "batches", "original", "exact", 0, ok)
	}
	if len(orders.Cases) == 0 {
		t.Error("no cases")
	}
}
