package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// command is the program whose flags and defaults are meant.
type command int

const (
	train command = iota
	validate
)

// field is a flag that has a place in Config.
type field struct {
	name, dest, short, def, help string
	value                        reflect.Value
}

// destName is a flag's name as a key of args.yaml: argparse's dest.
func destName(name string) string {
	name = strings.TrimLeft(name, "-")
	if a, ok := aliases[name]; ok {
		name = a
	}
	return strings.ReplaceAll(name, "-", "_")
}

// fields lists the flags of the command in the order of the struct.
func (c *Config) fields() []field {
	v := reflect.ValueOf(c).Elem()
	var out []field
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name := tag.Get("flag")
		if name == "" || name == "-" {
			continue
		}
		if only := tag.Get("only"); only == "validate" && c.command != validate {
			continue
		}
		def := tag.Get("default")
		if d, ok := tag.Lookup("validate"); ok && c.command == validate {
			def = d
		}
		out = append(out, field{name, destName(name), tag.Get("short"), def, tag.Get("help"), v.Field(i)})
	}
	return out
}

func inertOf(cmd command) []inertFlag {
	if cmd == validate {
		return append(append([]inertFlag{}, inertFlags...), validateInertFlags...)
	}
	return inertFlags
}

// newConfig returns the command's defaults.
func newConfig(cmd command) *Config {
	c := &Config{Inert: map[string]any{}, from: map[string]string{}, command: cmd}
	for _, f := range c.fields() {
		var node any
		if err := yaml.Unmarshal([]byte(f.def), &node); err != nil {
			panic(err) // a tag of this package
		}
		if err := assign(f.value, node); err != nil {
			panic(fmt.Sprintf("config: default of %s: %v", f.name, err))
		}
	}
	for _, f := range inertOf(cmd) {
		var node any
		if err := yaml.Unmarshal([]byte(f.def), &node); err != nil {
			panic(err)
		}
		c.Inert[destName(f.name)] = node
	}
	return c
}

// Default returns the defaults of train.py.
func Default() *Config { return newConfig(train) }

// assign puts a decoded YAML value into a field.
func assign(v reflect.Value, x any) error {
	if v.Kind() == reflect.Pointer {
		if x == nil || x == "None" {
			v.SetZero()
			return nil
		}
		p := reflect.New(v.Type().Elem())
		if err := assign(p.Elem(), x); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		switch x := x.(type) {
		case nil:
			v.SetString("")
		case string:
			v.SetString(x)
		default:
			v.SetString(fmt.Sprint(x))
		}
	case reflect.Bool:
		b, ok := asBool(x)
		if !ok {
			return fmt.Errorf("want True or False, not %v", x)
		}
		v.SetBool(b)
	case reflect.Int:
		f, ok := asFloat(x)
		if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<52 {
			return fmt.Errorf("want a whole number, not %v", x)
		}
		v.SetInt(int64(f))
	case reflect.Float64:
		f, ok := asFloat(x)
		if !ok {
			return fmt.Errorf("want a number, not %v", x)
		}
		v.SetFloat(f)
	case reflect.Slice:
		if x == nil {
			v.SetZero()
			return nil
		}
		list, ok := x.([]any)
		if !ok {
			list = []any{x}
		}
		s := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i, e := range list {
			if err := assign(s.Index(i), e); err != nil {
				return err
			}
		}
		v.Set(s)
	default:
		return fmt.Errorf("no rule for %s", v.Type())
	}
	return nil
}

func asBool(x any) (value, ok bool) {
	switch x := x.(type) {
	case bool:
		return x, true
	case int:
		return x == 1, x == 0 || x == 1
	case string:
		switch strings.ToLower(x) {
		case "yes", "true", "t", "y", "1":
			return true, true
		case "no", "false", "f", "n", "0":
			return false, true
		}
	}
	return false, false
}

func asFloat(x any) (float64, bool) {
	switch x := x.(type) {
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case float64:
		return x, true
	case string: // YAML 1.1 writes 2e-05, which YAML 1.2 readers may take as text
		f, err := strconv.ParseFloat(x, 64)
		return f, err == nil
	}
	return 0, false
}

func sameYAML(x any, def string) bool {
	var d any
	if err := yaml.Unmarshal([]byte(def), &d); err != nil {
		return false
	}
	if a, ok := asFloat(x); ok {
		if b, ok := asFloat(d); ok {
			return a == b
		}
	}
	if a, ok := asBool(x); ok {
		if b, ok := asBool(d); ok {
			return a == b
		}
	}
	return reflect.DeepEqual(x, d) || x == "" && d == nil
}

// set assigns a value, decoded from YAML or given as text, to the flag of that
// dest name.
func (c *Config) set(dest string, x any, from string) error {
	for _, f := range c.fields() {
		if f.dest == dest {
			if err := assign(f.value, x); err != nil {
				return fmt.Errorf("--%s: %w", f.name, err)
			}
			c.from[dest] = from
			return nil
		}
	}
	for _, f := range inertOf(c.command) {
		if destName(f.name) == dest {
			c.Inert[dest] = x
			c.from[dest] = from
			if from == "flag" || !sameYAML(x, f.def) {
				c.notices = append(c.notices, fmt.Sprintf("--%s has no effect: %s", f.name, f.why))
			}
			return nil
		}
	}
	return c.unknown(dest)
}

// Set gives one flag a value, as --name=value would.
func (c *Config) Set(name, value string) error {
	return c.set(destName(name), c.typed(name, value), "flag")
}

// typed makes the value of an inert flag what YAML would make of it; fields
// convert from text themselves.
func (c *Config) typed(name, text string) any {
	dest := destName(name)
	for _, f := range c.fields() {
		if f.dest == dest {
			return text
		}
	}
	var x any
	if err := yaml.Unmarshal([]byte(text), &x); err != nil {
		return text
	}
	return x
}
