package data

// Download says where a set's files can be fetched by a program.
type Download struct {
	Files []DownloadFile
	After string // what is left to do by hand
}

// DownloadFile is one file and where it belongs below the folder of all sets.
type DownloadFile struct {
	URL, Name string
	MD5       string // as its publisher gives it, "" if none is known
	SHA256    string
	Size      int64 // bytes, 0 if not known
}

// downloads are the sets with a stable public address.
var downloads = map[string]*Download{
	"repr/cub": {
		Files: []DownloadFile{{URL: "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz", Name: "CUB_200_2011.tgz", MD5: "97eceeb196236b17998738112f37df78"}},
		After: "unpack it and name its folder CUB_200_2011 cub200: tar xzf CUB_200_2011.tgz && mv CUB_200_2011 cub200",
	},
	"soft/imagenet": {
		Files: []DownloadFile{
			{URL: "https://raw.githubusercontent.com/google-research/reassessed-imagenet/master/raters.npz", Name: "raters.npz", SHA256: "d3ffe8082e4e61e9716cbc93a7a4e877e3b1d1240032a176e797b43f19107ec8", Size: 2457121},
			{URL: "https://raw.githubusercontent.com/google-research/reassessed-imagenet/master/real.json", Name: "real.json", SHA256: "d83e9bff374c631aae8439eb064c7019acc56e1b3bc3f56b8380c2a710b0220b", Size: 388478},
		},
		After: "the images themselves are ImageNet's: see torch/imagenet",
	},
}
