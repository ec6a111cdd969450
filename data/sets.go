package data

// aliases are other names of the same set.
var aliases = map[string][]string{
	"torch/folder":  {"torch/image_folder"},
	"soft/plankton": {"soft/planktion"}, // the original's spelling
}

// registry is filled by init: the readers refer to it.
var registry []Set

func init() {
	fashion := Set{Layout: "inside the program", Source: "https://github.com/zalandoresearch/fashion-mnist", Licence: "MIT"}
	imageNet := Set{
		Layout: "ImageNet2012/{train,val}/<wnid>/*.JPEG and meta.bin", Source: "https://www.image-net.org/download.php (an account is needed)",
		Licence: "non-commercial research, see the site", Expected: map[string]int{Train: 1281167, Validation: 50000},
	}
	retrieval := Set{Splits: retrievalSplits, Licence: "non-commercial research, see the site"}
	// DCIC: the folders as they are published with "Is one annotation enough?".
	soft := Set{
		Soft: true, Splits: softSplits, open: openSoft, Layout: "annotations.json and fold1 ... fold5/*.png",
		Source: "https://doi.org/10.5281/zenodo.7152309", Licence: "of each part, see there",
	}

	registry = []Set{
		fashion.as("mini/upstream", "Fashion-MNIST, six garments to train on", openMiniUpstream).
			with([]string{Train, Validation}, map[string]int{Train: 5400, Validation: 600}),
		imageNet.as("torch/imagenet", "ImageNet-1k", openImageNet).
			with(append([]string{Train}, validationNames...), imageNet.Expected),
		imageNet.as("torch/folder", "folders of images, as torchvision reads them", openTorchFolder).own("<class>/**/*.{jpg,png,...}"),
		imageNet.as("", "folders of images, as timm reads them", openFolder).own("**/<class>/*.{png,jpg,jpeg}"),

		fashion.as("repr/mini-garments", "Fashion-MNIST, held-out garments", openMiniGarments).
			with([]string{Validation, Test}, map[string]int{Validation: 800, Test: 800}),
		fashion.as("repr/mini-turned", "Fashion-MNIST, held-out garments in quarter turns", openMiniTurned).
			with([]string{Validation, Test}, map[string]int{Validation: 800, Test: 800}),
		retrieval.as("repr/cub", "CUB-200-2011", openCUB).
			at("cub200", "images/<number>.<class>/*.jpg", "https://data.caltech.edu/records/65de6-vp158").
			with(retrievalSplits, map[string]int{Train: 2922, Validation: 2942, Test: 5924, "trainontest": 2962, "testontest": 2962}),
		retrieval.as("repr/cars", "Stanford Cars (CARS196)", openCars).
			at("cars196", "images/<class>/*.jpg", "https://www.dropbox.com/s/zi2o92hzqekbmef/cars196.tar (the paper's authors)").
			with(retrievalSplits, map[string]int{Train: 4002, Validation: 4052, Test: 8131, "trainontest": 4066, "testontest": 4065}),
		retrieval.as("repr/sop", "Stanford Online Products", openSOP).
			at("online_products", "Info_Files/Ebay_{train,test}.txt and images/<super-class>/*.JPG", "https://cvgl.stanford.edu/projects/lifted_struct/ (ftp), or https://www.dropbox.com/s/fu8dgxulf10hns9/online_products.tar (the paper's authors, laid out)").
			with(retrievalSplits, map[string]int{Train: 29136, Validation: 30415, Test: 60502, "trainontest": 30251, "testontest": 30251}),
		retrieval.as("repr/path", "one's own folder per class", openReprPath).own("[images/]<class>/*"),

		fashion.as("soft/mini-blend", "Fashion-MNIST, blended pairs with drawn votes", openMiniBlend).
			with([]string{Validation, Test, "all"}, map[string]int{Validation: 600, Test: 600, "all": 1200}),
		imageNet.as("soft/imagenet", "ImageNet-RealH", openRealH).
			at("", "ImageNet2012 as for torch/imagenet; raters.npz and real.json beside it",
				"https://github.com/google-research/reassessed-imagenet (labels), images as for torch/imagenet").
			with(validationNames, map[string]int{Validation: 50000}),
		soft.as("soft/cifar", "CIFAR-10H", openSoft).at("CIFAR10H", soft.Layout, soft.Source),
		soft.as("soft/treeversity1", "Treeversity#1", openSoft).at("Treeversity#1", soft.Layout, soft.Source),
		soft.as("soft/turkey", "Turkey", openSoft).at("Turkey", soft.Layout, soft.Source),
		soft.as("soft/pig", "Pig", openSoft).at("Pig", soft.Layout, soft.Source),
		soft.as("soft/benthic", "Benthic", openSoft).at("Benthic", soft.Layout, soft.Source),
		// In the same download, and read by the original, though not in the paper.
		soft.as("soft/micebone", "MiceBone", openSoft).at("MiceBone", soft.Layout, soft.Source),
		soft.as("soft/plankton", "Plankton", openSoft).at("Planktion", soft.Layout, soft.Source),
		soft.as("soft/qualitymri", "QualityMRI", openSoft).at("QualityMRI", soft.Layout, soft.Source),
		soft.as("soft/synthetic", "Synthetic", openSoft).at("Synthetic", soft.Layout, soft.Source),
		soft.as("soft/treeversity6", "Treeversity#6", openSoft).at("Treeversity#6", soft.Layout, soft.Source),
		soft.as("soft/path", "one's own annotations.json", openSoftPath).own("annotations.json and fold1 ... fold5"),
	}
	for i := range registry {
		s := &registry[i]
		s.Download = downloads[s.Name]
		s.ByPath = s.Name == "repr/path" || s.Name == "soft/path"
		s.Soft = s.Soft || s.Name == "soft/imagenet" || s.Name == "soft/mini-blend" || s.Name == "soft/path"
	}
}

// as, with, at and own fill in what a set does not share with its kind.

func (s Set) as(name, title string, open func(Set, string, Options) (Dataset, error)) Set {
	s.Name, s.Title, s.open = name, title, open
	return s
}

func (s Set) with(splits []string, expected map[string]int) Set {
	s.Splits, s.Expected = splits, expected
	return s
}

func (s Set) at(folder, layout, source string) Set {
	s.Folder, s.Layout, s.Source = folder, layout, source
	return s
}

func (s Set) own(layout string) Set {
	s.Layout, s.Source, s.Licence, s.Expected = layout, "your own", "your own", nil
	switch s.Name {
	case "repr/path":
		s.Splits = retrievalSplits
	case "soft/path":
		s.Splits = softSplits
	default:
		s.Splits = nil
	}
	return s
}
