package data

// aliases are other names of the same set.
var aliases = map[string][]string{
	"torch/folder": {"torch/image_folder"},
}

// registry is filled in init, because the readers look sets up.
var registry []Set

func init() {
	fashion := Set{Source: "https://github.com/zalandoresearch/fashion-mnist", Licence: "MIT (Zalando SE)", Layout: "inside the program"}
	add := func(s Set) { registry = append(registry, s) }

	mini := func(name, title string, splits []string, expected map[string]int, open func(Set, string, Options) (Dataset, error)) {
		s := fashion
		s.Name, s.Title, s.Splits, s.Expected, s.open = name, title, splits, expected, open
		add(s)
	}
	mini("mini/upstream", "Fashion-MNIST, six garments to train on", []string{Train, Validation},
		map[string]int{Train: 5400, Validation: 600}, openMiniUpstream)
	mini("repr/mini-garments", "Fashion-MNIST, held-out garments", []string{Validation, Test},
		map[string]int{Validation: 800, Test: 800}, openMiniGarments)
	mini("repr/mini-turned", "Fashion-MNIST, held-out garments in quarter turns", []string{Validation, Test},
		map[string]int{Validation: 800, Test: 800}, openMiniTurned)
	mini("soft/mini-blend", "Fashion-MNIST, blended pairs with drawn votes", []string{Validation, Test, "all"},
		map[string]int{Validation: 600, Test: 600, "all": 1200}, openMiniBlend)
	for i := range registry {
		registry[i].Soft = registry[i].Name == "soft/mini-blend"
	}
}
