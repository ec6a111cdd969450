"""The peer of `urlbench bench input`: torchvision's transforms on Pillow images.

    python input_torchvision.py FOLDER SIZE     # then lines "train 1.0" on stdin

It prints one line with its versions; then, for each line "task seconds", it repeats
the task over the folder's files on one thread for at least so much CPU time and
prints {"images": n, "cpu": seconds}. The pipelines are those of the URL benchmark:
train = random resized crop (bilinear or bicubic drawn per image), flip, jitter of
brightness, contrast and saturation by 0.4; eval = shorter side to size/0.875 with
bicubic, centre crop. Each ends in uint8 bytes, channels first, as its loader's.
"""
import glob
import json
import math
import os
import random
import sys
import time

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, features
from torchvision.transforms import functional as F
from torchvision import transforms as T


class RandomFilterCrop(T.RandomResizedCrop):
    FILTERS = [T.InterpolationMode.BILINEAR, T.InterpolationMode.BICUBIC]

    def forward(self, image):
        top, left, height, width = self.get_params(image, self.scale, self.ratio)
        return F.resized_crop(image, top, left, height, width, self.size, random.choice(self.FILTERS))


def planes(image):
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8).transpose(2, 0, 1))


def main():
    torch.set_num_threads(1)
    folder, size = sys.argv[1], int(sys.argv[2])
    files = sorted(glob.glob(os.path.join(folder, "*.jpg")))
    tasks = {
        "decode": lambda image: image,
        "train": T.Compose([RandomFilterCrop(size), T.RandomHorizontalFlip(), T.ColorJitter(0.4, 0.4, 0.4), planes]),
        "eval": T.Compose([T.Resize(math.floor(size / 0.875), T.InterpolationMode.BICUBIC), T.CenterCrop(size), planes]),
    }
    jpeg = "libjpeg-turbo " + features.version("libjpeg_turbo") if features.check_feature("libjpeg_turbo") else "libjpeg"
    print(f"torchvision {torchvision.__version__} on Pillow {PIL.__version__} with {jpeg}, one process", flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        transform, images, start = tasks[name], 0, time.process_time()
        while True:
            for path in files:
                transform(Image.open(path).convert("RGB"))
            images += len(files)
            spent = time.process_time() - start
            if spent >= float(seconds):
                break
        print(json.dumps({"images": images, "cpu": spent}), flush=True)


main()
