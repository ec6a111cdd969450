package urlkit

import (
	"context"
	"fmt"
	"image"
	"slices"

	"urlbench/data"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/retrieve"
)

// Answers is what a run says of each image of a data set: embeddings,
// uncertainties, logits (in Samples), and the nearest neighbour of each image.
type Answers struct {
	*evaluate.Answers
	Neighbour  []int     // [n] the most similar other image by cosine
	Similarity []float32 // [n]
	Correct    []bool    // [n] the neighbour has the image's class
}

// Query is one image with what the model makes of it.
type Query struct {
	Index       int
	ID, Class   string
	Image       image.Image
	Uncertainty float64
	Correct     bool
	Neighbour   struct {
		Index      int
		ID, Class  string
		Image      image.Image
		Similarity float64
	}
}

// Ask embeds a data set, by registry name and split, with a run's best model and
// finds each image's nearest neighbour in the set.
func Ask(ctx context.Context, r *Run, name, split string) (answers *Answers, err error) {
	defer recovered(&err)
	sets, err := evaluate.OpenSets(r.Settings, []string{name}, split, name == r.Settings.Dataset || name == r.Settings.DatasetEval)
	if err != nil {
		return nil, err
	}
	m, err := r.Model()
	if err != nil {
		return nil, err
	}
	defer m.Store.Finalize()
	e, err := evaluate.New(m, evaluate.OptionsOf(r.Settings))
	if err != nil {
		return nil, err
	}
	defer e.Close()
	a, err := e.Answers(ctx, sets[0])
	if err != nil {
		return nil, err
	}
	hits, err := retrieve.Cosine(a.Samples.Features, a.Samples.Dim, 1, retrieve.Options{})
	if err != nil {
		return nil, err
	}
	answers = &Answers{Answers: a, Similarity: hits.Similarity}
	for i, j := range hits.Index {
		answers.Neighbour = append(answers.Neighbour, int(j))
		answers.Correct = append(answers.Correct, a.Samples.Labels[i] == a.Samples.Labels[j])
	}
	return answers, nil
}

// BySureness returns the image numbers from the surest to the least sure; ties in
// the set's order.
func (a *Answers) BySureness() []int {
	order := make([]int, len(a.Samples.Labels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch u, v := a.Samples.Uncertainty[i], a.Samples.Uncertainty[j]; {
		case u < v:
			return -1
		case u > v:
			return 1
		}
		return 0
	})
	return order
}

// Surest returns the n queries of the least uncertainty.
func (a *Answers) Surest(n int) ([]Query, error) {
	order := a.BySureness()
	return a.Queries(order[:min(n, len(order))])
}

// LeastSure returns the n queries of the greatest uncertainty, the greatest first.
func (a *Answers) LeastSure(n int) ([]Query, error) {
	order := a.BySureness()
	slices.Reverse(order)
	return a.Queries(order[:min(n, len(order))])
}

// Queries returns images by number, with their neighbours, decoded for showing.
func (a *Answers) Queries(numbers []int) ([]Query, error) {
	var out []Query
	for _, i := range numbers {
		if i < 0 || i >= len(a.Neighbour) {
			return nil, fmt.Errorf("data set %s has no image %d: it has %d", a.Set.Name(), i, len(a.Neighbour))
		}
		q := Query{Index: i, ID: a.Set.ID(i), Class: className(a.Set, i), Uncertainty: float64(a.Samples.Uncertainty[i]), Correct: a.Correct[i]}
		var err error
		if q.Image, err = Picture(a.Set, i); err != nil {
			return nil, err
		}
		j := a.Neighbour[i]
		q.Neighbour.Index, q.Neighbour.ID, q.Neighbour.Class, q.Neighbour.Similarity = j, a.Set.ID(j), className(a.Set, j), float64(a.Similarity[i])
		if q.Neighbour.Image, err = Picture(a.Set, j); err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}

func className(set data.Dataset, i int) string {
	label, names := set.Label(i), set.Classes()
	if label >= 0 && label < len(names) && names[label] != "" {
		return names[label]
	}
	return fmt.Sprint(label)
}

// Picture returns an image of a data set for showing.
func Picture(set data.Dataset, i int) (image.Image, error) {
	p, err := set.Image(i)
	if err != nil {
		return nil, err
	}
	if err := p.Load(p.Bounds()); err != nil {
		return nil, err
	}
	out := image.NewNRGBA(image.Rect(0, 0, p.W, p.H))
	for k := range p.W * p.H {
		copy(out.Pix[4*k:4*k+3], p.Pix[3*k:3*k+3])
		out.Pix[4*k+3] = 255
	}
	return out, nil
}
