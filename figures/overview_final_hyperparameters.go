package figures

import "urlbench/urlkit/results"

// OverviewFinal is Overview for the runs with the hyper-parameters chosen by R-AUROC
// only: single runs, which shows how far seeds differ.
func OverviewFinal(t results.Table, style ...Style) (*Figure, error) {
	return overview(t.Choice(results.ChoiceRAUROC), styleOf(style), "overview_final_hyperparameters", "the runs with the chosen hyper-parameters")
}
