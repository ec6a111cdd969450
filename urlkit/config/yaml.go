package config

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// values maps every dest name to its value, inert flags included.
func (c *Config) values() map[string]any {
	out := map[string]any{}
	for k, v := range c.Inert {
		out[k] = v
	}
	for _, f := range c.fields() {
		v := f.value
		if v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			if v.IsNil() {
				out[f.dest] = nil
				continue
			}
		}
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		out[f.dest] = v.Interface()
	}
	return out
}

// YAML is the settings as the original's args.yaml: one line a flag, by name.
func (c *Config) YAML() []byte { return c.yaml(nil) }

// YAMLWithSources is YAML with a comment behind every value that says where it
// comes from.
func (c *Config) YAMLWithSources() []byte { return c.yaml(c.From) }

func (c *Config) yaml(source func(string) string) []byte {
	values := c.values()
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b bytes.Buffer
	for _, k := range keys {
		var n yaml.Node
		if err := n.Encode(values[k]); err != nil {
			panic(err) // plain values only
		}
		if n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode {
			n.Style = yaml.FlowStyle
		}
		text, err := yaml.Marshal(&n)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%s: %s", k, strings.TrimSpace(string(text)))
		if source != nil {
			fmt.Fprintf(&b, "  # %s", source(k))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Load reads an args.yaml, urlbench's or the original's. Keys of neither are an
// error.
func Load(path string) (*Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := yaml.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: not YAML: %v", path, err)
	}
	c := newConfig(train)
	for k, v := range m {
		switch k {
		// What the original's parser and set-up add.
		case "prefetcher", "distributed", "device", "world_size", "rank":
			continue
		case "data":
			if s, _ := v.(string); s != "mini" {
				continue
			}
		}
		if err := c.set(destName(k), v, "args.yaml"); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	c.notices = nil // they were said when the run was made
	return c, c.Check()
}

// Usage lists the flags with defaults, and those without effect here.
func Usage(forValidate bool) string {
	cmd := train
	if forValidate {
		cmd = validate
	}
	c := newConfig(cmd)
	var b strings.Builder
	for _, f := range c.fields() {
		name := "--" + f.name
		if f.short != "" {
			name = "-" + f.short + ", " + name
		}
		fmt.Fprintf(&b, "  %-30s %s (default %s)\n", name, f.help, f.def)
	}
	b.WriteString("\nFlags of the original that parse and have no effect:\n")
	for _, f := range inertOf(cmd) {
		fmt.Fprintf(&b, "  %-30s %s\n", "--"+f.name, f.why)
	}
	return b.String()
}

// Difference returns the first flag, by name, in which two runs' settings differ
// and both values; "" if they would train alike. What only says where the run lies
// or how it is watched does not count.
func (c *Config) Difference(d *Config) (name string, here, there any) {
	a, b := c.values(), d.values()
	keys := make([]string, 0, len(a))
	for k := range a {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		switch k {
		case "resume", "output", "experiment", "dry_run", "workers", "log_interval", "recovery_interval", "log_wandb":
			continue
		}
		if fmt.Sprint(plain(a[k])) != fmt.Sprint(plain(b[k])) {
			return k, a[k], b[k]
		}
	}
	return "", nil, nil
}

// plain follows pointers.
func plain(x any) any {
	if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer && !v.IsNil() {
		return v.Elem().Interface()
	}
	return x
}

// Override takes over what d was given as flags.
func (c *Config) Override(d *Config) error {
	values := d.values()
	for name, from := range d.from {
		if from != "flag" || name == "resume" {
			continue
		}
		if err := c.set(name, deepCopy(plain(values[name])), from); err != nil {
			return err
		}
	}
	return c.Check()
}

// OverrideWithValidation takes over what d, a validation's settings, was given as
// flags; what training has no flag for is left out.
func (c *Config) OverrideWithValidation(d *Config) error {
	values := d.values()
	known := c.values()
	for name, from := range d.from {
		if _, ok := known[name]; !ok || from != "flag" {
			continue
		}
		target := name
		if name == "dataset" {
			target = "dataset_eval" // validate.py's name for the upstream set to measure
		}
		if err := c.set(target, deepCopy(plain(values[name])), from); err != nil {
			return err
		}
	}
	return c.Check()
}

// Clone returns a copy that shares nothing with c.
func (c *Config) Clone() *Config {
	d := newConfig(c.command)
	for k, v := range c.values() {
		from := c.From(k)
		if err := d.set(k, deepCopy(v), from); err != nil {
			panic(err) // c's own values
		}
	}
	d.from = map[string]string{}
	for k, v := range c.from {
		d.from[k] = v
	}
	d.Rest = append([]string{}, c.Rest...)
	d.notices = append([]string{}, c.notices...)
	return d
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case []string:
		return toAny(v)
	case []int:
		return toAny(v)
	case []float64:
		return toAny(v)
	}
	return v
}

func toAny[T any](v []T) []any {
	out := make([]any, len(v))
	for i, x := range v {
		out[i] = x
	}
	return out
}
