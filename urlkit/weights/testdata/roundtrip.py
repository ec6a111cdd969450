"""Take weights through PyTorch: python3 roundtrip.py in.safetensors out.pth [model]

With a model's name timm builds it and loads the weights strictly; then the
state_dict is saved. The position embedding of torch is printed for comparison.
"""
import json
import sys

import torch
from safetensors.torch import load_file

state = load_file(sys.argv[1])
if len(sys.argv) > 3:
    import timm

    model = timm.create_model(sys.argv[3], pretrained=False, num_classes=1000)
    model.load_state_dict(state, strict=True)
    state = model.state_dict()
torch.save({k: v.clone() for k, v in state.items()}, sys.argv[2])
grid = torch.arange(32, dtype=torch.float32).reshape(1, 4, 4, 2).permute(0, 3, 1, 2) ** 1.5
print(json.dumps({
    str(to): torch.nn.functional.interpolate(grid, size=(to, to), mode="bicubic", antialias=True, align_corners=False)
    .permute(0, 2, 3, 1).flatten().tolist() for to in (3, 6)
}))
