package config

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Preset is a training command by a name, without "train.py".
type Preset struct{ Name, Args string }

var (
	presetsMu sync.Mutex
	presets   []Preset
)

// AddPreset makes a command known to --preset. The methods add their published
// commands (package method): a program that links no method has no presets.
func AddPreset(name, args string) error {
	presetsMu.Lock()
	defer presetsMu.Unlock()
	if slices.ContainsFunc(presets, func(p Preset) bool { return p.Name == name }) {
		return fmt.Errorf("preset %q is there already", name)
	}
	presets = append(presets, Preset{name, args})
	return nil
}

// Presets lists the commands that --preset takes, by name.
func Presets() []Preset {
	presetsMu.Lock()
	defer presetsMu.Unlock()
	sorted := slices.Clone(presets)
	slices.SortFunc(sorted, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// PresetNames lists the names that --preset takes.
func PresetNames() []string {
	var out []string
	for _, p := range Presets() {
		out = append(out, p.Name)
	}
	return out
}

// presetSettings returns the settings of a preset. validate.py has no flags for
// losses and schedules: it takes those that it knows.
func presetSettings(cmd command, name string) ([]setting, error) {
	for _, p := range Presets() {
		if p.Name != name {
			continue
		}
		given, _, err := newConfig(train).scan(strings.Fields(p.Args))
		if err != nil {
			return nil, fmt.Errorf("preset %s: %w", name, err)
		}
		return given, nil
	}
	return nil, fmt.Errorf("--preset=%s: choose one of %s", name, strings.Join(PresetNames(), ", "))
}
