// Package method declares the benchmark's eleven methods, one file each, and
// builds their models: backbone, head and uncertainty.
//
//	elk, err := method.ByName("elk")
//	out := method.Forward(c, images, method.Options{Model: "resnet50", UncModule: "pred-net", Classes: 1000})
//	perExample := elk.Loss(lossContext, loss.Batch{...}, loss.Config{InvTemp: 27.7})
//
// A method of one's own needs one call, from any package or notebook cell:
//
//	err := method.Register(method.Method{
//		Name: "mine", Title: "Mine", LossName: "mine", Loss: myLoss,
//		UncModule: "my-unc", Uncertainty: myUncertainty,
//	})
//
// after which --loss=mine and --unc-module=my-unc work like the built-in ones.
package method

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/config"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/nn"
)

// Method is one way to train and to read off an uncertainty.
type Method struct {
	Name  string // "elk", as in --preset=elk
	Title string // "ELK", as in the paper's figures
	Paper string // where it comes from
	Order int    // place in the original's README, from 1; a method of one's own may leave it 0 and comes last

	// LossName is the value of --loss, Loss the function behind it: per example, [B].
	LossName string
	Loss     loss.Func
	// UncModule is the value of --unc-module in the ResNet's command, Uncertainty
	// the function behind it. Nil means one of the built-in modules (UncModules).
	UncModule   string
	Uncertainty UncertaintyFunc
	// Head says in words what turns the embedding into logits.
	Head string
	// Variant is what follows the backbone's name in --model: "hetxl", "sngp",
	// "dropout" or nothing.
	Variant string
	// Flags lists the flags that the method reads besides those of every training.
	Flags []string
	// Published holds the commands of the original's README.
	Published Commands
}

// Commands are a method's published training commands, with the hyper-parameters
// that the authors' search found, as one would type them after "train.py".
type Commands struct {
	ResNet50  string
	ViTMedium string
}

// Command returns the flags of the method's published command for a backbone, one
// a piece. The convnet, which the paper does not know, takes the ResNet's.
func (m Method) Command(name string) ([]string, error) {
	command := ""
	switch name {
	case "resnet50", "convnet":
		command = m.Published.ResNet50
	case vit:
		command = m.Published.ViTMedium
	}
	if command == "" {
		return nil, fmt.Errorf("method %s has no published command for the backbone %q: want one of %s", m.Name, name, strings.Join(backbone.Names(), ", "))
	}
	flags := strings.Fields(command)
	for i, f := range flags {
		if rest, ok := strings.CutPrefix(f, "--model=resnet50"); ok {
			flags[i] = "--model=" + name + rest
		}
	}
	return flags, nil
}

// UncertaintyFunc states how uncertain each embedding is, [B], larger for less
// certain. c is the model's context; what it makes under c is saved with the model.
type UncertaintyFunc func(c *nn.Context, out Outputs, o Options) *Node

var (
	mu      sync.Mutex
	methods []Method
)

// Register adds a method. Its name must be new; its LossName and UncModule, where
// they come with functions, must not be taken by other functions.
func Register(m Method) error {
	mu.Lock()
	defer mu.Unlock()
	switch {
	case m.Name == "":
		return fmt.Errorf("method.Register: a method without a name")
	case m.Loss == nil || m.LossName == "":
		return fmt.Errorf("method.Register %s: Loss and LossName must be set", m.Name)
	case m.UncModule == "":
		return fmt.Errorf("method.Register %s: UncModule must be set", m.Name)
	case slices.ContainsFunc(methods, func(n Method) bool { return n.Name == m.Name }):
		return fmt.Errorf("method.Register %s: a method of this name is there already", m.Name)
	case m.Uncertainty == nil && modules[m.UncModule] == nil:
		return fmt.Errorf("method.Register %s: UncModule %q is none of %s and Uncertainty is nil", m.Name, m.UncModule, strings.Join(UncModules(), ", "))
	case m.Uncertainty != nil && modules[m.UncModule] != nil:
		return fmt.Errorf("method.Register %s: UncModule %q is taken: give it a name of its own", m.Name, m.UncModule)
	}
	if m.Uncertainty != nil {
		modules[m.UncModule] = m.Uncertainty
	}
	for name, command := range map[string]string{m.Name: m.Published.ResNet50, m.Name + "-vit": m.Published.ViTMedium} {
		if command == "" {
			continue
		}
		if err := config.AddPreset(name, command); err != nil {
			return fmt.Errorf("method.Register %s: %w", m.Name, err)
		}
	}
	methods = append(methods, m)
	return nil
}

// builtIn registers a method of this package and returns it.
func builtIn(m Method) Method {
	if err := Register(m); err != nil {
		panic(err)
	}
	return m
}

// All lists the methods, the paper's in its order.
func All() []Method {
	mu.Lock()
	defer mu.Unlock()
	sorted := slices.Clone(methods)
	place := func(m Method) int {
		if m.Order == 0 {
			return len(sorted) + 1
		}
		return m.Order
	}
	slices.SortStableFunc(sorted, func(a, b Method) int { return place(a) - place(b) })
	return sorted
}

// ByName finds a method.
func ByName(name string) (Method, error) {
	var names []string
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Method{}, fmt.Errorf("no method %q: choose one of %s", name, strings.Join(names, ", "))
}

// Loss returns the function behind --loss=name.
func Loss(name string) (loss.Func, error) {
	var names []string
	for _, m := range All() {
		if m.LossName == name {
			return m.Loss, nil
		}
		if !slices.Contains(names, m.LossName) {
			names = append(names, m.LossName)
		}
	}
	return nil, fmt.Errorf("--loss=%s: choose one of %s", name, strings.Join(names, ", "))
}
