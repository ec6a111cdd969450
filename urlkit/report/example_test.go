package report_test

import (
	"bytes"
	"context"
	"fmt"

	"urlbench/urlkit"
	"urlbench/urlkit/report"
	"urlbench/urlkit/run"
)

func ExampleQuote() {
	fmt.Println("urlbench validate", report.Quote("runs/elk, seed 1"))
	// Output: urlbench validate 'runs/elk, seed 1'
}

func ExampleWrite() {
	page := func() error {
		r, err := urlkit.Open("elk-mini-1")
		if err != nil {
			return err
		}
		entry, err := report.Ask(context.Background(), r, nil)
		if err != nil {
			return err
		}
		var page bytes.Buffer
		if err := report.Write(&page, []report.Entry{entry}, report.Options{Queries: 12}); err != nil {
			return err
		}
		return run.WriteFile("report.html", page.Bytes())
	}
	if err := page(); err != nil {
		fmt.Println(err)
	}
}
