"""The peer of BenchmarkConvLowering: torchvision's resnet50 in PyTorch, 2 threads.

    python3 resnet50_torch.py SIDE BATCH forward|train     # then a line on stdin per step

It prints its version, and after each step its seconds. Training is forward,
cross-entropy, backward and SGD. The memory format is PyTorch's faster one of the
two, tried out at the start.
"""
import sys
import time

import torch
import torchvision

side, batch, work = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(2)
labels = torch.zeros(batch, dtype=torch.long)


def make(memory):
    net = torchvision.models.resnet50().to(memory_format=memory)
    images = torch.sin(torch.arange(batch * 3 * side * side).float()).reshape(batch, 3, side, side)
    images = images.to(memory_format=memory)
    net.train(work == "train")
    sgd = torch.optim.SGD(net.parameters(), 1e-3)

    def step():
        start = time.perf_counter()
        if work == "train":
            sgd.zero_grad()
            torch.nn.functional.cross_entropy(net(images), labels).backward()
            sgd.step()
        else:
            with torch.no_grad():
                net(images)
        return time.perf_counter() - start

    step()
    return step(), step, memory


_, step, memory = min((make(m) for m in (torch.contiguous_format, torch.channels_last)), key=lambda m: m[0])
print("torch", torch.__version__, memory, flush=True)
for line in sys.stdin:
    print(step(), flush=True)
