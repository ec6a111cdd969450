// Package weights brings weights in and out: safetensors of timm or our own
// checkpoints, PyTorch's .pth and .pth.tar files, and models by name from the
// Hugging Face hub.
//
//	s, err := weights.Open("checkpoint-31.pth.tar")
//	if err != nil { … }
//	defer s.Close()
//	said, err := weights.Load(store, s, wanted, weights.Options{})
//
// Names are the keys of timm's state_dict: the prefixes that wrappers add
// ("module.", "model.", "model.model.") are removed. Nothing in a file is ever run:
// a pickle is read by gopickle with a class table that holds tensors, and a
// placeholder for everything else. What a file claims is checked against its size
// before memory is reserved, and tensors stay in the mapped file until they are
// copied to where they are needed.
package weights
