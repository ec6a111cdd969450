package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads the arguments of a train.py command. A leading "train.py" (with
// "python" and a path before it, if pasted so) is skipped.
func Parse(args []string) (*Config, error) { return parse(train, args) }

// ParseValidate reads the arguments of a validate.py command; arguments that are
// no flags are left in Rest.
func ParseValidate(args []string) (*Config, error) { return parse(validate, args) }

func parse(cmd command, args []string) (*Config, error) {
	args = skipProgram(args)
	given, rest, err := newConfig(cmd).scan(args)
	if err != nil {
		return nil, err
	}
	return resolve(cmd, given, rest)
}

// setting is one flag as given.
type setting struct {
	dest  string
	value any
}

// resolve layers default, preset, mini, YAML file and flags.
func resolve(cmd command, given []setting, rest []string) (*Config, error) {
	c := newConfig(cmd)
	var file, preset, data string
	for _, s := range given {
		switch s.dest {
		case "config":
			file = s.value.(string)
		case "preset":
			preset = s.value.(string)
		case "data":
			data = s.value.(string)
		}
	}
	fromFile := map[string]any{}
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("-c %s: %w", file, err)
		}
		if err := yaml.Unmarshal(raw, &fromFile); err != nil {
			return nil, fmt.Errorf("-c %s: not YAML: %v", file, err)
		}
		if preset == "" {
			preset, _ = fromFile["preset"].(string)
		}
		if data == "" {
			data, _ = fromFile["data"].(string)
		}
	}
	if preset != "" {
		published, err := presetSettings(cmd, preset)
		if err != nil {
			return nil, err
		}
		for _, s := range published {
			if err := c.set(s.dest, s.value, "preset "+preset); err != nil {
				return nil, err
			}
		}
		c.Preset = preset
	}
	if data == "mini" {
		c.applyMini(given, fromFile)
	}
	keys := make([]string, 0, len(fromFile))
	for k := range fromFile {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if err := c.set(destName(k), fromFile[k], filepath.Base(file)); err != nil {
			return nil, fmt.Errorf("-c %s: %w", file, err)
		}
	}
	for _, s := range given {
		if s.dest == "config" {
			continue
		}
		if err := c.set(s.dest, s.value, "flag"); err != nil {
			return nil, err
		}
	}
	if cmd == validate {
		c.Rest = rest
	} else if len(rest) > 0 {
		// train.py's deprecated positional folder loses against --data-dir's default.
		c.notices = append(c.notices, fmt.Sprintf("%s: a folder without a flag has no effect: use --data-dir", rest[0]))
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c, nil
}

// skipProgram drops what a pasted command line begins with.
func skipProgram(args []string) []string {
	for len(args) > 0 {
		base := filepath.Base(args[0])
		if base == "python" || base == "python3" || strings.HasSuffix(base, ".py") && !strings.HasPrefix(base, "-") {
			args = args[1:]
			continue
		}
		break
	}
	return args
}

// scan cuts the arguments into flags with their values, as argparse does.
func (c *Config) scan(args []string) (out []setting, rest []string, err error) {
	type shape struct {
		dest, name string
		kind       reflect.Kind
		many       bool
		inert      bool
		def        any
	}
	long, short := map[string]shape{}, map[string]shape{}
	for _, f := range c.fields() {
		t := f.value.Type()
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		s := shape{dest: f.dest, name: f.name, kind: t.Kind(), many: t.Kind() == reflect.Slice}
		long[f.dest] = s
		if f.short != "" {
			short[f.short] = s
		}
	}
	for _, f := range inertOf(c.command) {
		s := shape{dest: destName(f.name), name: f.name, inert: true, def: c.Inert[destName(f.name)]}
		switch s.def.(type) {
		case bool:
			s.kind = reflect.Bool
		}
		switch s.dest {
		case "model_kwargs", "opt_kwargs", "lr_noise", "cutmix_minmax":
			s.many = true
		}
		long[s.dest] = s
	}
	long["config"] = shape{dest: "config", name: "config", kind: reflect.String}
	short["c"] = long["config"]

	for i := 0; i < len(args); i++ {
		a := args[i]
		if !strings.HasPrefix(a, "-") || a == "-" {
			rest = append(rest, a)
			continue
		}
		name, value, hasValue := strings.Cut(a, "=")
		var s shape
		var ok bool
		if strings.HasPrefix(name, "--") {
			s, ok = long[destName(name)]
		} else if s, ok = short[name[1:]]; !ok && len(name) > 2 { // -b64
			if s, ok = short[name[1:2]]; ok {
				value, hasValue = a[2:], true
			}
		}
		if !ok {
			return nil, nil, c.unknown(name)
		}
		switch {
		case s.many:
			var list []any
			if hasValue {
				list = append(list, value)
			}
			for !hasValue && i+1 < len(args) && !isFlag(args[i+1]) {
				i++
				list = append(list, args[i])
			}
			if len(list) == 0 && !s.inert {
				return nil, nil, fmt.Errorf("--%s: want one or more values", s.name)
			}
			out = append(out, setting{s.dest, list})
			continue
		case hasValue:
		case s.kind == reflect.Bool:
			value = "True"
			if i+1 < len(args) {
				if _, isBool := asBool(args[i+1]); isBool {
					i++
					value = args[i]
				}
			}
		case i+1 < len(args) && !isFlag(args[i+1]):
			i++
			value = args[i]
		default:
			return nil, nil, fmt.Errorf("--%s: want a value", s.name)
		}
		out = append(out, setting{s.dest, c.typed(s.dest, value)})
	}
	return out, rest, nil
}

// isFlag tells a flag from a value: -0.5 is a value.
func isFlag(a string) bool {
	if !strings.HasPrefix(a, "-") || a == "-" {
		return false
	}
	_, number := asFloat(a)
	return !number
}

// unknown names the flags that look most like the given one, or says where all are.
func (c *Config) unknown(name string) error {
	want := destName(name)
	type near struct {
		name string
		d    int
	}
	var all []near
	for _, f := range c.fields() {
		all = append(all, near{f.name, distance(want, f.dest)})
	}
	for _, f := range inertOf(c.command) {
		all = append(all, near{f.name, distance(want, destName(f.name))})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].d < all[j].d })
	var names []string
	for _, n := range all[:4] {
		names = append(names, "--"+n.name)
	}
	return fmt.Errorf("unknown flag --%s: did you mean one of %s? --help lists all", want, strings.Join(names, ", "))
}

// distance is Levenshtein's, with a prefix counted as near.
func distance(a, b string) int {
	if strings.HasPrefix(b, a) || strings.HasPrefix(a, b) {
		return 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
