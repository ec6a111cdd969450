package data

import (
	"fmt"
	"slices"
	"strings"
)

// Set is an entry of the registry: what a data set is, where it comes from and how
// it is read. A new set is one more Set.
type Set struct {
	Name    string   // as in --dataset
	Title   string   // its own name
	Splits  []string // the splits Open takes; empty: any name of a folder
	Soft    bool     // several people's votes per image
	ByPath  bool     // reads the folder it is given, see Open
	Folder  string   // the folder below Options.Root, "" for Root itself
	Layout  string   // what lies in the folder
	Source  string   // where to get it
	Licence string
	// Expected is the number of images in each split of the published set.
	Expected map[string]int
	Download *Download // nil if it cannot be fetched by a program

	open func(s Set, split string, o Options) (Dataset, error)
}

// Built reports whether the set lies inside the program.
func (s Set) Built() bool { return strings.Contains(s.Name, "mini") }

// Sets returns the registry, sorted by kind: upstream, retrieval, soft labels.
func Sets() []Set { return slices.Clone(registry) }

// Lookup returns the set of a name, in upper or lower case.
func Lookup(name string) (Set, error) {
	name = strings.ToLower(name)
	names := make([]string, 0, len(registry))
	for _, s := range registry {
		if s.Name == name || slices.Contains(aliases[s.Name], name) {
			return s, nil
		}
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	return Set{}, fmt.Errorf("no data set %q: choose one of %s, or \"\" for a plain folder", name, strings.Join(names, ", "))
}
