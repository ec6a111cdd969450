package bench

import _ "embed"

// RetrieveFaiss is the Python script that times faiss for "urlbench bench retrieve".
//
//go:embed retrieve_faiss.py
var RetrieveFaiss []byte
