package notebook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const clean = `{"nbformat": 4, "metadata": {"kernelspec": {"name": "gonb"}}, "cells": [
 {"cell_type": "markdown", "source": ["# Title\n", "text"]},
 {"cell_type": "code", "execution_count": 1, "source": "%%\nfmt.Println(1)", "outputs": [
   {"output_type": "display_data", "data": {"text/html": ["<div><svg></svg></div>"]}}]}]}`

func read(t *testing.T, content string) *Notebook {
	t.Helper()
	path := filepath.Join(t.TempDir(), "00_x.ipynb")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	nb, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func TestLintAcceptsACleanNotebook(t *testing.T) {
	nb := read(t, clean)
	if problems := nb.Lint(); len(problems) != 0 {
		t.Errorf("problems in a clean notebook: %q", problems)
	}
	if n := nb.Displays(); n != 1 {
		t.Errorf("%d displays, want 1", n)
	}
}

func TestLintFindsWhatMustNotBeCommitted(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"kernel", `"gonb"`, `"python3"`, `kernel "python3"`},
		{"no heading", `# Title`, `Title`, "heading"},
		{"never run", `"execution_count": 1`, `"execution_count": null`, "never executed"},
		{"path in source", `fmt.Println(1)`, `load(\"/home/ada/x\")`, "absolute path /home/a"},
		{"path in output", `<svg></svg>`, `/work/main/x`, "in its output"},
		{"long", `fmt.Println(1)`, strings.Repeat(`f()\n`, 16), "16 lines of logic"},
		{"error", `"output_type": "display_data"`, `"output_type": "error", "ename": "ERROR", "evalue": "exit status 2"`, "failed: ERROR"},
		{"panic", `{"output_type": "display_data", "data": {"text/html": ["<div><svg></svg></div>"]}}`, `{"output_type": "stream", "name": "stderr", "text": "panic: boom"}`, "panicked: panic: boom"},
		{"no picture", `fmt.Println(1)", "outputs": [
   {"output_type": "display_data", "data": {"text/html": ["<div><svg></svg></div>"]}}]`, `figures.Show(f)", "outputs": []`, "shows no picture"},
		{"empty cell", `%%\nfmt.Println(1)`, ` `, "empty"},
	} {
		content := strings.Replace(clean, test.old, test.new, 1)
		if content == clean {
			t.Fatalf("%s: the change does not apply", test.name)
		}
		problems := strings.Join(read(t, content).Lint(), "\n")
		if !strings.Contains(problems, test.want) {
			t.Errorf("%s: problems %q do not mention %q", test.name, problems, test.want)
		}
	}
}

func TestReadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.ipynb")
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
}
