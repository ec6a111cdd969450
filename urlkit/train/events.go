package train

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"slices"

	"urlbench/data"
	"urlbench/data/pixel"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/run"
)

// shownQueries is how many of the surest and of the least sure images a picture has.
const shownQueries = 8

// epochEvents writes an epoch's numbers for TensorBoard, at the step after the
// epoch's last batch.
func (t *trainer) epochEvents(epoch int, row run.Row) error {
	values := map[string]float64{}
	for _, c := range row {
		if c.Text == "" {
			values[c.Name] = float64(c.Value)
		}
	}
	return t.events.Scalars((epoch+1)*t.sets.batchesEpoch, values)
}

// answered is shown each set's answers as they are measured.
func (t *trainer) answered(a *evaluate.Answers) error {
	if !t.picturing {
		return nil
	}
	return t.pictureEvents(t.progress.Epoch, a)
}

// pictureEvents writes the surest and the least sure images of a set, in the order
// of their uncertainty, as two strips.
func (t *trainer) pictureEvents(epoch int, a *evaluate.Answers) error {
	order := make([]int, len(a.Samples.Uncertainty))
	for i := range order {
		order[i] = i
	}
	u := a.Samples.Uncertainty
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case u[i] < u[j]:
			return -1
		case u[i] > u[j]:
			return 1
		}
		return 0
	})
	n := min(shownQueries, len(order))
	least := slices.Clone(order[len(order)-n:])
	slices.Reverse(least)
	for tag, numbers := range map[string][]int{"surest": order[:n], "least_sure": least} {
		strip, err := Strip(a.Set, numbers, t.model.Input.Size)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := png.Encode(&b, strip); err != nil {
			return err
		}
		if err := t.events.Image((epoch+1)*t.sets.batchesEpoch, a.Set.Name()+"/"+tag, strip.Bounds().Dx(), strip.Bounds().Dy(), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// Strip draws images of a data set side by side, each cut to its centre square and
// shown at the given side by the nearest pixel.
func Strip(set data.Dataset, numbers []int, side int) (image.Image, error) {
	out := image.NewRGBA(image.Rect(0, 0, side*len(numbers), side))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	for k, i := range numbers {
		p, err := set.Image(i)
		if err != nil {
			return nil, err
		}
		if err := p.Load(p.Bounds()); err != nil {
			return nil, err
		}
		paste(out, p, k*side, side)
	}
	return out, nil
}

func paste(out *image.RGBA, p *pixel.Image, left, side int) {
	square := min(p.W, p.H)
	for y := range side {
		for x := range side {
			from := 3 * (((p.H-square)/2+y*square/side)*p.W + (p.W-square)/2 + x*square/side)
			at := out.PixOffset(left+x, y)
			copy(out.Pix[at:at+3], p.Pix[from:from+3])
			out.Pix[at+3] = 255
		}
	}
}
