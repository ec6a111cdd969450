package main

import (
	"strings"
	"testing"
)

func TestMethodsCommand(t *testing.T) {
	run := func(args ...string) (string, error) {
		var out strings.Builder
		cmd := newMethodsCmd()
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(args)
		err := cmd.Execute()
		return out.String(), err
	}
	all, err := run()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(all, "urlbench train "); n != 22 {
		t.Errorf("%d commands, want 11 methods x 2 backbones", n)
	}
	one, err := run("hib")
	if err != nil || strings.Count(one, "urlbench train ") != 2 || !strings.Contains(one, "--hib_add_const=-5.360730528719454") {
		t.Errorf("methods hib: %v\n%s", err, one)
	}
	if _, err := run("nope"); err == nil {
		t.Error("methods nope: no error")
	}
}
