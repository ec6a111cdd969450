package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"urlbench/urlkit"
)

// gallery shows queries beside their nearest neighbours.
type gallery struct {
	Title, Lead string
	Cards       []card
	Empty       string // said where there are no such queries
}

// card is a query and its neighbour.
type card struct {
	Query, Neighbour picture
	Correct          bool
	Uncertainty      string
	Rank             string
	Similarity       string
}

type picture struct {
	Data          template.URL
	Width, Height int
	Class, ID     string
}

// galleries are the queries that the uncertainty judged most wrongly: sure and wrong,
// unsure and right.
func galleries(a *urlkit.Answers, n int) ([]gallery, error) {
	order := a.BySureness()
	ranks := rankTexts(a, order)
	var surestWrong, leastSureRight []int
	for _, i := range order {
		if !a.Correct[i] && len(surestWrong) < n {
			surestWrong = append(surestWrong, i)
		}
	}
	for k := len(order) - 1; k >= 0 && len(leastSureRight) < n; k-- {
		if a.Correct[order[k]] {
			leastSureRight = append(leastSureRight, order[k])
		}
	}
	out := []gallery{
		{Title: "Surest and wrong", Lead: "The model is sure of these, yet the nearest neighbour has another class.", Empty: "No query is wrong."},
		{Title: "Least sure and right", Lead: "The model is least sure of these, yet the nearest neighbour has their class.", Empty: "No query is right."},
	}
	for g, numbers := range [][]int{surestWrong, leastSureRight} {
		for k := 1; k < len(numbers); k++ {
			if a.Samples.Uncertainty[numbers[k]] == a.Samples.Uncertainty[numbers[k-1]] {
				out[g].Lead += " Some are equally uncertain: those stand in the data set's order."
				break
			}
		}
		queries, err := a.Queries(numbers)
		if err != nil {
			return nil, err
		}
		for _, q := range queries {
			c := card{Correct: q.Correct, Uncertainty: fmt.Sprintf("%.3g", q.Uncertainty), Similarity: fmt.Sprintf("%.3f", q.Neighbour.Similarity),
				Rank: ranks[q.Index]}
			if c.Query, err = encode(q.Image); err != nil {
				return nil, fmt.Errorf("%s, image %s: %w", a.Set.Name(), q.ID, err)
			}
			if c.Neighbour, err = encode(q.Neighbour.Image); err != nil {
				return nil, fmt.Errorf("%s, image %s: %w", a.Set.Name(), q.Neighbour.ID, err)
			}
			c.Query.Class, c.Query.ID = q.Class, q.ID
			c.Neighbour.Class, c.Neighbour.ID = q.Neighbour.Class, q.Neighbour.ID
			out[g].Cards = append(out[g].Cards, c)
		}
	}
	return out, nil
}

// rankTexts writes each query's rank by uncertainty, the surest being 1; queries of
// equal uncertainty share theirs.
func rankTexts(a *urlkit.Answers, order []int) []string {
	out := make([]string, len(order))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && a.Samples.Uncertainty[order[to]] == a.Samples.Uncertainty[order[from]] {
			to++
		}
		text := fmt.Sprintf("%d of %d", to, len(order))
		if to > from+1 {
			text = fmt.Sprintf("%d to %d of %d", from+1, to, len(order))
		}
		for _, i := range order[from:to] {
			out[i] = text
		}
		from = to
	}
	return out
}

// The largest side of a picture on the page, in its own pixels, and the side up to
// which it is kept without loss.
const (
	largestSide  = 240
	losslessSide = 64
)

// encode makes a data URI: small pictures as PNG, others reduced and as JPEG.
func encode(img image.Image) (picture, error) {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w == 0 || h == 0 {
		return picture{}, fmt.Errorf("a picture of %d x %d pixels", w, h)
	}
	if side := max(w, h); side > largestSide {
		w, h = max(1, w*largestSide/side), max(1, h*largestSide/side)
		small := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.CatmullRom.Scale(small, small.Bounds(), img, b, draw.Src, nil)
		img = small
	}
	var buf bytes.Buffer
	kind, err := "png", error(nil)
	if max(w, h) <= losslessSide {
		err = png.Encode(&buf, img)
	} else {
		kind, err = "jpeg", jpeg.Encode(&buf, img, &jpeg.Options{Quality: 85})
	}
	if err != nil {
		return picture{}, err
	}
	uri := "data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(buf.Bytes())
	return picture{Data: template.URL(uri), Width: w, Height: h}, nil
}
