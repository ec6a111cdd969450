// Package vmf is the von Mises-Fisher distribution on the unit sphere of D
// dimensions, density C_D(κ) exp(κ μᵀz), as GoMLX graph functions: its
// log-normaliser and a sampler whose draws are differentiable in μ and κ.
//
//	mu := vmf.Direction(embedding)                         // [B, D], rows of length 1
//	kappa := Reciprocal(uncertainty)                       // [B]
//	logC := vmf.LogNormConst(kappa, 512, semantics.Original) // [B]
//	z := vmf.NewSampler(c.Random, semantics.Original)(mu, kappa, 16) // [16, B, 512]
//
// The original approximates log C_D by a fitted curve and its sampler is biased
// wherever κ > 10 is not far above D; semantics.Original repeats both (fitted,
// envelope), semantics.Corrected has the exact ones.
package vmf
