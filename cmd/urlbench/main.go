// Command urlbench trains uncertainty-aware representations, measures them on the
// URL benchmark and draws the paper's figures:
//
//	urlbench train --data mini --preset elk
//	urlbench validate output/train/RUN
//	urlbench figures --runs output/train --out figures
//
// Every flag of the original's train.py and validate.py parses, so that a
// published command can be pasted after the name. An error is one line on stderr
// and exit status 1; an interrupted run exits with 130.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func main() {
	root := newRootCmd()
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return
	}
	var code exitCode
	if errors.As(err, &code) {
		os.Exit(int(code))
	}
	message := strings.ReplaceAll(err.Error(), "\n", " ")
	if strings.HasPrefix(message, "unknown command") {
		message += "; choose one of: " + strings.Join(commandNames(root), ", ")
	}
	fmt.Fprintln(os.Stderr, "urlbench:", message)
	os.Exit(1)
}

// exitCode ends the program with a status after everything has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:           "urlbench",
		Short:         "Train uncertainty-aware representations and measure them (URL benchmark)",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newBenchCmd(),
		newDataCmd(),
		newDemoCmd(),
		newDoctorCmd(),
		newExportCmd(),
		newFiguresCmd(),
		newLabCmd(),
		newMethodsCmd(),
		newMetricsCmd(),
		newNotebooksCmd(),
		newReportCmd(),
		newTrainCmd(),
		newValidateCmd(),
	)
	return root
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
