"""Write the checkpoints that the tests read: python3 write.py (torch 1.13, Debian's python3-torch).

The files hold small tensors whose values follow from their names and places, in
the formats and with the odd company that real checkpoints have.
"""
import argparse
import collections
import os

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))


def tensor(name, *shape, dtype=torch.float32):
    """Counts up from the length of the name, in steps of 1/4."""
    n = int(np.prod(shape)) if shape else 1
    x = len(name) + torch.arange(n, dtype=torch.float64) / 4
    return x.reshape(shape).to(dtype)


def state(prefix, shift=0):
    d = collections.OrderedDict()
    for name, shape in (("conv1.weight", (4, 3, 2, 2)), ("bn1.weight", (4,)), ("bn1.running_mean", (4,)), ("fc.weight", (5, 4)), ("fc.bias", (5,))):
        d[prefix + name] = tensor(name, *shape) + shift
    d[prefix + "bn1.num_batches_tracked"] = torch.tensor(7)
    return d


torch.save(state("model."), f"{here}/state.pth")
torch.save(state(""), f"{here}/legacy.pth", _use_new_zipfile_serialization=False)

params = [torch.nn.Parameter(v) for v in state("").values() if v.dtype.is_floating_point]
optimizer = torch.optim.Adam(params, lr=0.1)
for p in params:
    p.grad = torch.ones_like(p)
optimizer.step()
for name, new in (("checkpoint.pth.tar", True), ("legacy.pth.tar", False)):
    torch.save({
        "epoch": 31, "arch": "resnet50", "state_dict": state("module.model.model.", shift=100),
        "optimizer": optimizer.state_dict(), "version": 2,
        "args": argparse.Namespace(model="resnet50", lr=0.1, mean=(1.0, 2.0), nested={"a": [None, True]}),
        "amp_scaler": {"scale": 65536.0}, "state_dict_ema": state("module.model.model."), "metric": np.float64(0.5),
        "path": __import__("pathlib").PosixPath("/tmp"), "rng": np.random.RandomState(1).get_state(),
    }, f"{here}/{name}", _use_new_zipfile_serialization=new)

base = tensor("shared", 6, 4)
torch.save({
    "half": tensor("half", 3, dtype=torch.float16), "bfloat": tensor("bfloat", 3, dtype=torch.bfloat16),
    "double": tensor("double", 3, dtype=torch.float64), "bytes": tensor("bytes", 3, dtype=torch.uint8),
    "bool": torch.tensor([True, False]), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
    "transposed": base.t(), "rows": base[2:4], "column": base[:, 1], "channels_last": tensor("channels_last", 2, 3, 2, 2).to(memory_format=torch.channels_last),
    "parameter": torch.nn.Parameter(tensor("parameter", 2)),
}, f"{here}/kinds.pth")


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/urlbench-weights-was-here",)


torch.save({"state_dict": state(""), "evil": Evil()}, f"{here}/evil.pth")
torch.save(Evil(), f"{here}/evil_root.pth")
