package uncertainty

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// ClassEntropy is the entropy, in nats, of softmax(logits): [..., C] -> [...]. It is
// computed from log-probabilities, so that its gradient is finite also where a
// probability underflows to 0; the original's is NaN there.
func ClassEntropy(logits *Node) *Node { return entropy(LogSoftmax(logits)) }

// Entropy is -Σ p log p in nats over the last axis, with 0 log 0 = 0: [..., C] ->
// [...]. Its gradient takes log p as its smallest finite value at p = 0.
func Entropy(probs *Node) *Node {
	tiny := Scalar(probs.Graph(), probs.DType(), smallest(probs))
	positive := GreaterOrEqual(probs, tiny)
	return Neg(ReduceSum(Mul(probs, Log(Where(positive, probs, tiny))), -1))
}

// smallest is the smallest normal number of a dtype.
func smallest(x *Node) float64 {
	if x.DType().Size() == 8 {
		return 0x1p-1022
	}
	return 0x1p-126
}

// MeanLogits averages S predictions in probability space: headLogits [S, B, C] ->
// log mean_s softmax, [B, C]. It is the logits of ensembles and of MC dropout.
func MeanLogits(headLogits *Node) *Node {
	logp := LogSoftmax(headLogits)
	top := StopGradient(ReduceAndKeep(logp, ReduceMax, 0))
	sum := ReduceSum(Exp(Sub(logp, top)), 0)
	return AddScalar(Add(Log(sum), Squeeze(top, 0)), -math.Log(float64(headLogits.Shape().Dim(0))))
}

// JSD is the Jensen-Shannon divergence of S predictions, the entropy of their mean
// minus the mean of their entropies: headLogits [S, B, C] -> [B]. Shannon's form
// for several distributions is Lin 1991, eq. 5.1.
func JSD(headLogits *Node) *Node {
	ofMean := entropy(MeanLogits(headLogits))
	return Sub(ofMean, ReduceMean(ClassEntropy(headLogits), 0))
}

// entropy is that of log-probabilities over the last axis; -inf counts 0.
func entropy(logp *Node) *Node {
	finite := Where(IsFinite(logp), logp, ZerosLike(logp))
	return Neg(ReduceSum(Mul(Exp(logp), finite), -1))
}
