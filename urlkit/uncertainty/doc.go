// Package uncertainty holds the ways in which the benchmark's methods state how
// uncertain an embedding is, as graph functions that return one number per
// example, larger for less certain.
//
//	unc := uncertainty.Scaled(c, uncertainty.PredNet(c, embedding, 1024)) // [B]
//
// Scaled multiplies by a number that Calibrate's rule sets before training, so
// that the average uncertainty starts at --unc_start_value.
package uncertainty
