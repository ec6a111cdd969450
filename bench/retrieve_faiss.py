"""Search a file's rows for their two nearest with faiss IndexFlatIP, and say how long it took.

Usage: python retrieve_faiss.py embeddings.npy threads neighbours.npy

The twin of "urlbench bench retrieve": the same rows, the same number of threads,
the search that the original makes (k = 2, the row itself included). Normalising
isn't timed. Prints one JSON object.
"""
import json
import sys
import time

import faiss
import numpy as np

path, threads, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
faiss.omp_set_num_threads(threads)
x = np.load(path)
x /= np.linalg.norm(x, axis=1, keepdims=True)
start = time.perf_counter()
index = faiss.IndexFlatIP(x.shape[1])
index.add(x)
_, ids = index.search(x, 2)
seconds = time.perf_counter() - start
np.save(out, np.where(ids[:, 0] == np.arange(len(x)), ids[:, 1], ids[:, 0]).astype(np.int64))
print(json.dumps({"seconds": seconds, "version": faiss.__version__, "threads": faiss.omp_get_max_threads()}))
