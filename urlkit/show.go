package urlkit

import (
	"fmt"

	"urlbench/data"
	"urlbench/figures"
	"urlbench/urlkit/results"
)

// Judged is the answers' uncertainties beside whether each nearest neighbour was
// right: what figures.Rejection, figures.Reliability and figures.Histogram draw.
func (a *Answers) Judged(name string) figures.Judged {
	j := figures.Judged{Name: name, Correct: a.Correct}
	for _, u := range a.Samples.Uncertainty {
		j.Uncertainty = append(j.Uncertainty, float64(u))
	}
	return j
}

// Gallery draws the n queries of the least uncertainty and below them the n of the
// greatest, each beside its nearest neighbour, framed by whether that is right.
func (a *Answers) Gallery(n int) (*figures.Figure, error) {
	surest, err := a.Surest(n)
	if err != nil {
		return nil, err
	}
	least, err := a.LeastSure(n)
	if err != nil {
		return nil, err
	}
	const perRow = 3
	var pairs []figures.Pair
	for _, half := range [][]Query{surest, least} {
		for _, q := range half {
			pairs = append(pairs, figures.Pair{
				Query: q.Image, Neighbour: q.Neighbour.Image, Correct: q.Correct,
				QueryCaption:     fmt.Sprintf("%s\nunc. %.3g", q.Class, q.Uncertainty),
				NeighbourCaption: fmt.Sprintf("%s\nsim. %.2f", q.Neighbour.Class, q.Neighbour.Similarity),
			})
		}
	}
	return figures.Neighbours(fmt.Sprintf("%s: the %d surest queries, then the %d least sure, each with its nearest neighbour", a.Set.Name(), len(surest), len(least)), perRow, pairs...)
}

// ContactSheet draws the first images of each class of an embedded data set, a row
// a class.
func ContactSheet(name, split string, perClass int) (*figures.Figure, error) {
	set, err := data.Open(name, split, data.Options{})
	if err != nil {
		return nil, err
	}
	byClass := map[string][]figures.Tile{}
	var order []string
	for i := range set.Len() {
		class := className(set, i)
		if byClass[class] == nil {
			order = append(order, class)
		}
		if len(byClass[class]) >= perClass {
			continue
		}
		picture, err := Picture(set, i)
		if err != nil {
			return nil, err
		}
		byClass[class] = append(byClass[class], figures.Tile{Image: picture, Caption: class})
	}
	var tiles []figures.Tile
	for _, class := range order {
		tiles = append(tiles, byClass[class]...)
	}
	return figures.Gallery(fmt.Sprintf("%s, %s: %d images", name, split, set.Len()), perClass, tiles...)
}

// LearningCurves draws the training losses of runs over batches.
func LearningCurves(runs ...*Run) (*figures.Figure, error) {
	var lines []figures.Line
	for _, r := range runs {
		curve, err := r.Curve()
		if err != nil {
			return nil, err
		}
		l := figures.Line{Name: r.Name()}
		for _, p := range curve {
			l.X, l.Y = append(l.X, p[0]), append(l.Y, p[1])
		}
		lines = append(lines, l)
	}
	return figures.Curves("batches", "training loss", lines...)
}

// Results reads runs as rows of the table that the figures draw.
func Results(runs ...*Run) (results.Table, error) {
	var dirs []string
	for _, r := range runs {
		dirs = append(dirs, r.Dir)
	}
	return results.ReadRuns(dirs...)
}
