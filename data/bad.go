package data

import (
	"fmt"
	"sort"
	"strings"
)

// BadFile is a sample that cannot be read.
type BadFile struct {
	Index int
	ID    string
	Err   error
}

// BadFilesError ends an evaluation that met unreadable files, all of which it
// lists, or a training epoch that met more than it may.
type BadFilesError struct {
	Set      string
	Len      int // samples in the set
	Files    []BadFile
	Training bool
	Limit    int // files that training survives
}

// Error is one line; it names the first files, Files has all of them.
func (e *BadFilesError) Error() string {
	const shownFiles = 3
	var b strings.Builder
	fmt.Fprintf(&b, "data set %s: %d of %d images cannot be read", e.Set, len(e.Files), e.Len)
	if e.Training {
		fmt.Fprintf(&b, ", more than the %d that --max-bad allows", e.Limit)
	}
	for i, f := range e.Files {
		if i == shownFiles {
			fmt.Fprintf(&b, "; and %d more", len(e.Files)-i)
			break
		}
		fmt.Fprintf(&b, "; %v", f.Err)
	}
	b.WriteString(": replace them, see urlbench data verify")
	return b.String()
}

// Unwrap returns the causes.
func (e *BadFilesError) Unwrap() []error {
	errs := make([]error, len(e.Files))
	for i, f := range e.Files {
		errs[i] = f.Err
	}
	return errs
}

func badFiles(set Dataset, bad map[int]error) []BadFile {
	files := make([]BadFile, 0, len(bad))
	for i, err := range bad {
		files = append(files, BadFile{i, set.ID(i), err})
	}
	sort.Slice(files, func(a, b int) bool { return files[a].Index < files[b].Index })
	return files
}
