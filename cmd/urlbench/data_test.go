package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runData runs a data command; text is what it prints.
func runData(t *testing.T, args ...string) (text string, err error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newDataCmd()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	err = cmd.Execute()
	return out.String(), err
}

func TestDataLs(t *testing.T) {
	text, err := runData(t, "ls")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mini/upstream", "repr/cub", "cub200: images/", "test 60502", "10.5281/zenodo.7152309", "MIT"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text, err = runData(t, "ls", "soft/imagenet"); err != nil || !strings.Contains(text, "votes of several annotators") || !strings.Contains(text, "data fetch soft/imagenet") {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err = runData(t, "ls", "soft/nothing"); err == nil || !strings.Contains(err.Error(), "soft/pig") {
		t.Errorf("an unknown set: %v", err)
	}
}

func TestDataVerify(t *testing.T) {
	const tree = "../../testdata/fixtures/data/tree"
	text, err := runData(t, "verify", tree, "soft/pig", "soft/benthic")
	if err != nil || !strings.Contains(text, "34 images read, 0 unreadable") {
		t.Errorf("%v\n%s", err, text)
	}
	text, err = runData(t, "verify", tree)
	var code exitCode
	if !errors.As(err, &code) || !strings.Contains(text, "20 images, the published set has 5924") || !strings.Contains(text, "soft/micebone: not there") {
		t.Errorf("%v\n%s", err, text)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "Pig"), os.DirFS(filepath.Join(tree, "Pig"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "Pig/fold2/655496_04.png"), 60); err != nil {
		t.Fatal(err)
	}
	if text, err = runData(t, "verify", dir); !errors.As(err, &code) || !strings.Contains(text, "1 unreadable") || !strings.Contains(text, "655496_04.png") {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err = runData(t, "verify", dir, "--quick"); err != nil || strings.Contains(text, "unreadable") {
		t.Errorf("--quick: %v\n%s", err, text)
	}
	if _, err = runData(t, "verify", filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestDataFetchSaysWhere(t *testing.T) {
	text, err := runData(t, "fetch", "repr/sop")
	var code exitCode
	if !errors.As(err, &code) || !strings.Contains(text, "cvgl.stanford.edu") {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err = runData(t, "fetch", "repr/mini-turned"); err != nil || !strings.Contains(text, "inside the program") {
		t.Errorf("%v\n%s", err, text)
	}
}
