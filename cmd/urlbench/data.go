package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"urlbench/data"
	"urlbench/urlkit/semantics"
)

func newDataCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "List, check and fetch the data sets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.New("data: choose one of ls, verify, fetch")
		},
	}
	cmd.AddCommand(newDataLsCmd(), newDataVerifyCmd(), newDataFetchCmd())
	return cmd
}

func newDataLsCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "ls [name ...]",
		Short: "List the data sets: splits, layouts, sources, licences",
		Long: "Lists the registry; with names, all that is known about those sets. Folders are below --data-dir-downstream;\n" +
			"ImageNet's is --data-dir itself. One's own sets work by path: repr/path:DIR, soft/path:DIR.",
		RunE: func(cmd *cobra.Command, names []string) error {
			out := cmd.OutOrStdout()
			if len(names) == 0 {
				return listSets(out)
			}
			for i, name := range names {
				s, err := data.Lookup(name)
				if err != nil {
					return err
				}
				if i > 0 {
					fmt.Fprintln(out)
				}
				describeSet(out, s)
			}
			return nil
		},
	}
}

func listSets(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTITLE\tIMAGES\tFOLDER AND LAYOUT\tLICENCE\tSOURCE")
	for _, s := range data.Sets() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cmp.Or(s.Name, `""`), s.Title, imageCounts(s), layout(s), s.Licence, s.Source)
	}
	return w.Flush()
}

// imageCounts is the published number of images by split, such as "train 5400, test 600".
func imageCounts(s data.Set) string {
	var parts []string
	for _, split := range s.Splits {
		if n, ok := s.Expected[split]; ok && split != "trainontest" && split != "testontest" {
			parts = append(parts, fmt.Sprintf("%s %d", split, n))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}

func layout(s data.Set) string {
	if s.Folder == "" {
		return s.Layout
	}
	return s.Folder + ": " + s.Layout
}

func describeSet(out io.Writer, s data.Set) {
	labels := "one label per image"
	if s.Soft {
		labels = "votes of several annotators"
	}
	splits := cmp.Or(strings.Join(s.Splits, ", "), "any folder of that name; else the folder itself")
	fmt.Fprintf(out, "%s: %s\n  labels   %s\n  splits   %s\n  images   %s\n  layout   %s\n  source   %s\n  licence  %s\n",
		cmp.Or(s.Name, `""`), s.Title, labels, splits, imageCounts(s), layout(s), s.Source, s.Licence)
	if s.Download != nil {
		fmt.Fprintf(out, "  fetch    urlbench data fetch %s\n", s.Name)
	}
}

func newDataVerifyCmd() *cobra.Command {
	var quick bool
	var maxPixels int
	var sem string
	c := &cobra.Command{
		Use:   "verify DIR [name ...]",
		Short: "Check a folder of data sets: what is there, what is missing, what cannot be read",
		Long: "Opens every split of the sets in DIR, compares the numbers of images with the published ones and decodes every\n" +
			"image. With names it checks those sets, missing ones included. Exit status 1 if something is wrong.",
		Example: "  urlbench data verify ./data\n  urlbench data verify ./data repr/cub soft/pig --quick",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, err := semantics.Parse(sem)
			if err != nil {
				return err
			}
			return verifySets(cmd, args[0], args[1:], !quick, maxPixels, kind)
		},
	}
	c.Flags().BoolVar(&quick, "quick", false, "compare the numbers of images only, decode none")
	c.Flags().IntVar(&maxPixels, "max-pixels", 0, "largest image in pixels that is decoded; 0 means Pillow's limit")
	c.Flags().StringVar(&sem, "semantics", "original", "read as the original does, or corrected")
	return c
}

func verifySets(cmd *cobra.Command, dir string, names []string, decode bool, maxPixels int, sem semantics.Semantics) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("data verify: %s is no folder: give the one that holds cub200, Pig, ImageNet2012, ... (--data-dir-downstream)", dir)
	}
	var sets []data.Set
	for _, s := range data.Sets() {
		if s.Folder != "" || strings.HasSuffix(s.Name, "/imagenet") {
			sets = append(sets, s)
		}
	}
	if len(names) > 0 {
		sets = nil
		for _, name := range names {
			s, err := data.Lookup(name)
			if err != nil {
				return err
			}
			if s.ByPath || len(s.Splits) == 0 {
				return fmt.Errorf("data verify: %q has no folder of its own: name a set of urlbench data ls", name)
			}
			sets = append(sets, s)
		}
	}
	out := cmd.OutOrStdout()
	sound := true
	var absent []data.Set
	for _, s := range sets {
		o := s.In(dir)
		o.MaxPixels, o.Semantics = maxPixels, sem
		bar := dataBar(cmd.ErrOrStderr(), s.Name, 0)
		r, err := data.Verify(cmd.Context(), s, o, decode, func(done, total int) {
			bar.ChangeMax(total)
			bar.Set(done)
		})
		bar.Clear()
		if err != nil {
			return err
		}
		if r.Absent {
			absent = append(absent, s)
			sound = sound && len(names) == 0
			continue
		}
		sound = r.OK() && sound
		printReport(out, r, decode)
	}
	if len(absent) == len(sets) {
		sound = false
	}
	for _, s := range absent {
		fmt.Fprintf(out, "%s: not there (%s); get it from %s\n", s.Name, cmp.Or(s.Folder, "ImageNet2012"), s.Source)
	}
	if !sound {
		return exitCode(1)
	}
	return nil
}

func printReport(out io.Writer, r data.Report, decoded bool) {
	verdict := "in order"
	if !r.OK() {
		verdict = "not in order"
	}
	fmt.Fprintf(out, "%s (%s): %s", r.Set.Name, r.Where, verdict)
	if decoded {
		fmt.Fprintf(out, ", %d images read, %d unreadable", r.Images, len(r.Bad))
	}
	fmt.Fprintln(out)
	for _, s := range r.Splits {
		switch {
		case s.Err != nil:
			fmt.Fprintf(out, "  %-12s cannot be opened: %v\n", s.Name, s.Err)
		case s.Expected > 0 && s.N != s.Expected:
			fmt.Fprintf(out, "  %-12s %d images, the published set has %d\n", s.Name, s.N, s.Expected)
		default:
			fmt.Fprintf(out, "  %-12s %d images\n", s.Name, s.N)
		}
	}
	for _, b := range r.Bad {
		fmt.Fprintf(out, "  unreadable: %v\n", b.Err)
	}
}

func newDataFetchCmd() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Fetch a data set that has a stable public address, or say where to get it",
		Long: "Downloads the files of a set and checks them. A download that was cut off goes on where it stopped. Sets that\n" +
			"need an account, or have no lasting address, are not fetched: their source is printed.",
		Example: "  urlbench data fetch repr/cub --to ./data",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := data.Lookup(args[0])
			if err != nil {
				return err
			}
			return fetchSet(cmd, s, to)
		},
	}
	c.Flags().StringVar(&to, "to", "./data", "folder of the data sets (--data-dir-downstream)")
	return c
}

func fetchSet(cmd *cobra.Command, s data.Set, to string) error {
	out := cmd.OutOrStdout()
	if s.Built() {
		fmt.Fprintf(out, "%s lies inside the program: nothing to fetch\n", s.Name)
		return nil
	}
	if s.Download == nil {
		fmt.Fprintf(out, "%s cannot be fetched by a program. Get it from %s and lay it out in %s as %s\n", cmp.Or(s.Name, `""`), s.Source, to, layout(s))
		return exitCode(1)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: time.Minute}}
	for _, f := range s.Download.Files {
		bar := dataBar(cmd.ErrOrStderr(), f.Name, f.Size, progressbar.OptionShowBytes(true))
		err := f.Fetch(cmd.Context(), client, to, func(done, total int64) {
			bar.ChangeMax64(max(total, f.Size))
			bar.Set64(done)
		})
		bar.Clear()
		if err != nil {
			return fmt.Errorf("data fetch %s: %w", s.Name, err)
		}
		fmt.Fprintf(out, "%s: %s, checksum right\n", s.Name, f.Name)
	}
	fmt.Fprintf(out, "In %s, %s\n", to, s.Download.After)
	return nil
}

// dataBar is a progress bar on a terminal and nothing elsewhere.
func dataBar(w io.Writer, what string, total int64, options ...progressbar.Option) *progressbar.ProgressBar {
	f, isFile := w.(*os.File)
	visible := isFile && term.IsTerminal(int(f.Fd()))
	return progressbar.NewOptions64(cmp.Or(total, -1), slices.Concat([]progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionSetVisibility(visible),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
	}, options)...)
}
