package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"urlbench/urlkit/method"
)

// newMethodsCmd prints the methods: a table of all, or one in full.
func newMethodsCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "methods [name]",
		Short: "List the eleven methods with their published commands on both backbones",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return printMethods(cmd.OutOrStdout(), method.All())
			}
			m, err := method.ByName(args[0])
			if err != nil {
				return err
			}
			return printMethods(cmd.OutOrStdout(), []method.Method{m})
		},
	}
}

// publishedOn are the backbones that the paper trains every method on.
var publishedOn = []string{"resnet50", "vit_medium_patch16_gap_256"}

// printMethods writes a table of what each method is made of, then its commands.
func printMethods(w io.Writer, methods []method.Method) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "METHOD\tTITLE\tLOSS\tUNCERTAINTY\tHEAD\tFLAGS")
	for _, m := range methods {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, m.Title, m.LossName, m.UncModule, m.Head, strings.Join(m.Flags, " "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, m := range methods {
		fmt.Fprintf(w, "\n%s (%s)\n", m.Title, m.Paper)
		for _, backbone := range publishedOn {
			flags, err := m.Command(backbone)
			if err != nil {
				fmt.Fprintf(w, "  %s: none published\n", backbone)
				continue
			}
			if _, err := fmt.Fprintf(w, "  %s:\n    urlbench train %s\n", backbone, strings.Join(flags, " ")); err != nil {
				return err
			}
		}
	}
	return nil
}
