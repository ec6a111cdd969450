package method

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/config"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/nn"
)

// TestMethodsArePublished holds the eleven methods to the commands that
// --preset runs, and the facts in their files to those commands.
func TestMethodsArePublished(t *testing.T) {
	if n := len(All()); n != 11 {
		t.Fatalf("%d methods, want 11", n)
	}
	presets := map[string]string{}
	for _, p := range config.Presets() {
		presets[p.Name] = p.Args
	}
	for i, m := range All() {
		if m.Order != i+1 {
			t.Errorf("%s: Order %d, want %d", m.Name, m.Order, i+1)
		}
		for name, command := range map[string]string{m.Name: m.Published.ResNet50, m.Name + "-vit": m.Published.ViTMedium} {
			if command != presets[name] {
				t.Errorf("%s: the method's file has\n%s\n--preset runs\n%s", name, command, presets[name])
			}
		}
		if !strings.Contains(m.Published.ResNet50, "--loss="+m.LossName+" ") || !strings.Contains(m.Published.ResNet50+" ", "--unc-module="+m.UncModule+" ") {
			t.Errorf("%s: loss %s and uncertainty %s are not those of its command", m.Name, m.LossName, m.UncModule)
		}
		for _, name := range backbone.Names() {
			flags, err := m.Command(name)
			if err != nil {
				t.Error(err)
			} else if want := "--model=" + name + m.Variant; !strings.Contains(strings.Join(flags, " ")+" ", want+" ") {
				t.Errorf("%s on %s: %v has no %s", m.Name, name, flags, want)
			}
		}
		if got, err := ByName(m.Name); err != nil || got.Title != m.Title {
			t.Errorf("ByName(%q) = %v, %v", m.Name, got.Title, err)
		}
		if _, err := Loss(m.LossName); err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	if _, err := ByName("nope"); err == nil || !strings.Contains(err.Error(), "elk") {
		t.Errorf("ByName: %v", err)
	}
	if _, err := Loss("nope"); err == nil || !strings.Contains(err.Error(), "--loss=nope") {
		t.Errorf("Loss: %v", err)
	}
	if _, err := ELK.Command("alexnet"); err == nil || !strings.Contains(err.Error(), "alexnet") {
		t.Errorf("Command: %v", err)
	}
}

func TestRegister(t *testing.T) {
	unc := func(_ *nn.Context, out Outputs, _ Options) *Node { return ReduceMax(out.Logits, -1) }
	ok := Method{Name: "twelfth", LossName: "mine", Loss: loss.CrossEntropy, UncModule: "mine", Uncertainty: unc}
	for name, m := range map[string]Method{
		"without a name": {LossName: "l", Loss: loss.CrossEntropy, UncModule: "none"},
		"must be set":    {Name: "a", UncModule: "none"},
		"UncModule must": {Name: "a", LossName: "l", Loss: loss.CrossEntropy},
		"is none of":     {Name: "a", LossName: "l", Loss: loss.CrossEntropy, UncModule: "other"},
		"is taken":       {Name: "a", LossName: "l", Loss: loss.CrossEntropy, UncModule: "none", Uncertainty: unc},
		"already":        {Name: "elk", LossName: "l", Loss: loss.CrossEntropy, UncModule: "none"},
	} {
		if err := Register(m); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := Register(ok); err != nil {
		t.Fatal(err)
	}
	defer func() {
		methods = methods[:len(methods)-1]
		delete(modules, "mine")
	}()
	all := All()
	if last := all[len(all)-1]; last.Name != "twelfth" {
		t.Errorf("a method of one's own comes last, here is %s", last.Name)
	}
	if err := (Options{Model: "convnet", Classes: 2, UncModule: "mine"}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		o    Options
		says string
	}{
		{Options{Model: "resnet18", Classes: 2, UncModule: "none"}, "--model=resnet18"},
		{Options{Model: "resnet50xl", Classes: 2, UncModule: "none"}, "--model=resnet50xl"},
		{Options{Model: "resnet50", UncModule: "none"}, "--num-classes=0"},
		{Options{Model: "resnet50", Classes: 2}, "--unc-module="},
		{Options{Model: "resnet50", Classes: 2, UncModule: "jsd"}, "--num-heads"},
		{Options{Model: "resnet50", Classes: 2, UncModule: "hetxl-det"}, "--model=resnet50hetxl"},
		{Options{Model: "resnet50sngp", Classes: 2, UncModule: "none", NumHeads: 3}, "--num-heads=3"},
		{Options{Model: vit + "sngp", Classes: 2, UncModule: "none", UseSpecNorm: true}, "--use-spec-norm"},
		{Options{Model: "resnet50", Classes: 2, UncModule: "none", FreezeBackbone: true}, "--freeze_backbone"},
		{Options{Model: "resnet50", Classes: 2, UncModule: "none", Drop: 1}, "--drop=1"},
		{Options{Model: "resnet50", Classes: 2, UncModule: "none", DropPath: -1}, "--drop-path=-1"},
		{Options{Model: "resnet50dropout", Classes: 2, UncModule: "jsd"}, ""},
	} {
		err := tc.o.Validate()
		if tc.says == "" {
			if err != nil {
				t.Error(err)
			}
		} else if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want an error with %q", tc.o, err, tc.says)
		}
	}
}
