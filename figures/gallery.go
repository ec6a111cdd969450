package figures

import (
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Tile is one picture of a gallery. Mark frames it: Right with a full green line, Wrong
// with a dashed red one.
type Tile struct {
	Image   image.Image
	Caption string // a line or two, parted by \n
	Mark    Mark
}

// Mark says whether a tile's picture was judged, and how.
type Mark int

// The marks of a tile.
const (
	Unmarked Mark = iota
	Right
	Wrong
)

// Gallery draws a contact sheet of pictures in rows of columns, with captions: the most
// and least certain images of a data set, say. Pictures keep their shape.
func Gallery(title string, columns int, tiles ...Tile) (*Figure, error) {
	const name = "gallery"
	if len(tiles) == 0 {
		return nil, fmt.Errorf("figure %s: nothing to draw: no pictures", name)
	}
	if columns < 1 {
		return nil, fmt.Errorf("figure %s: %d columns; want at least one", name, columns)
	}
	for i, t := range tiles {
		if t.Image == nil || t.Image.Bounds().Empty() {
			return nil, fmt.Errorf("figure %s: picture %d is empty", name, i)
		}
	}
	return sheet(name, title, columns, 0, tiles), nil
}

// Pair is an image of a data set with its nearest neighbour.
type Pair struct {
	Query, Neighbour               image.Image
	QueryCaption, NeighbourCaption string
	Correct                        bool // the neighbour has the query's class
}

// Neighbours draws queries beside their nearest neighbours, columns pairs a row.
func Neighbours(title string, columns int, pairs ...Pair) (*Figure, error) {
	const name = "neighbours"
	if len(pairs) == 0 {
		return nil, fmt.Errorf("figure %s: nothing to draw: no pairs", name)
	}
	if columns < 1 {
		return nil, fmt.Errorf("figure %s: %d columns; want at least one", name, columns)
	}
	var tiles []Tile
	for i, p := range pairs {
		for _, img := range []image.Image{p.Query, p.Neighbour} {
			if img == nil || img.Bounds().Empty() {
				return nil, fmt.Errorf("figure %s: pair %d has an empty picture", name, i)
			}
		}
		mark := Wrong
		if p.Correct {
			mark = Right
		}
		tiles = append(tiles, Tile{p.Query, p.QueryCaption, Unmarked}, Tile{p.Neighbour, p.NeighbourCaption, mark})
	}
	return sheet(name, title, 2*columns, 2, tiles), nil
}

const (
	tileGap     = vg.Length(4)
	groupGap    = vg.Length(12)
	captionSize = vg.Length(6.5)
)

// sheet lays tiles out, with a wider gap after every group of tiles in a row.
func sheet(name, title string, columns, group int, tiles []Tile) *Figure {
	columns = min(columns, max(len(tiles), 1))
	s := &contactSheet{tiles: tiles, columns: columns, group: group}
	gaps := vg.Length(columns-1) * tileGap
	if group > 0 {
		gaps += vg.Length((columns-1)/group) * groupGap
	}
	s.side = min((paperWidth-2*pagePad-gaps)/vg.Length(columns), 1.1*inch)
	for i, t := range tiles {
		tiles[i].Caption = clipLines(t.Caption, s.side)
		s.lines = max(s.lines, lineCount(tiles[i].Caption))
		if t.Caption == "" {
			s.lines = max(s.lines, 0)
		}
	}
	rows := (len(tiles) + columns - 1) / columns
	p := &panel{bare: true, plotters: []plot.Plotter{s}}
	p.x.max, p.y.max = 1, 1
	h := vg.Length(rows)*s.pitch() + 2*pagePad
	if title != "" {
		p.captionAbove(title, labelSize)
		h += p.above
	}
	return &Figure{Name: name, Title: title, w: vg.Length(columns)*s.side + gaps + 2*pagePad, h: h, panels: []*panel{p}}
}

// clipLines breaks a caption to a tile's width; words that are too long end in dots.
func clipLines(s string, width vg.Length) string {
	out := ""
	for i, l := range (text{s: s}).lines() {
		if i > 0 {
			out += "\n"
		}
		out += wrap(l, captionSize, width)
	}
	lines := (text{s: out}).lines()
	out = ""
	for i, l := range lines {
		f := face(captionSize)
		r := []rune(l)
		if f.Width(l) > width {
			for len(r) > 1 && f.Width(string(r)+"…") > width {
				r = r[:len(r)-1]
			}
			r = append(r, '…')
		}
		if i > 0 {
			out += "\n"
		}
		out += string(r)
	}
	return out
}

type contactSheet struct {
	tiles                 []Tile
	columns, group, lines int
	side                  vg.Length
}

// pitch is the height of a row.
func (s *contactSheet) pitch() vg.Length {
	return s.side + tileGap + vg.Length(s.lines)*captionSize*leading + 3
}

func (s *contactSheet) Plot(c draw.Canvas, _ *plot.Plot) {
	for i, t := range s.tiles {
		col, row := i%s.columns, i/s.columns
		x := c.Min.X + vg.Length(col)*(s.side+tileGap)
		if s.group > 0 {
			x += vg.Length(col/s.group) * groupGap
		}
		top := c.Max.Y - vg.Length(row)*s.pitch()
		b := t.Image.Bounds()
		scale := s.side / vg.Length(max(b.Dx(), b.Dy()))
		w, h := vg.Length(b.Dx())*scale, vg.Length(b.Dy())*scale
		at := vg.Point{X: x + (s.side-w)/2, Y: top - s.side + (s.side-h)/2}
		r := vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: w, Y: h})}
		titled(c.Canvas, t.Caption, func() { c.DrawImage(r, t.Image) })
		look := lineLook{colour: color.RGBA{0xbb, 0xbb, 0xbb, 255}, width: 0.5}
		switch t.Mark {
		case Right:
			look = lineLook{colour: seriesColours[2], width: 1.8}
		case Wrong:
			look = lineLook{colour: seriesColours[1], width: 1.8, dash: []vg.Length{4, 2}}
		}
		look.set(c)
		c.Stroke(rectangle(r))
		if t.Caption != "" {
			text{s: t.Caption, size: captionSize, at: align{0.5, 1}}.draw(c, vg.Point{X: x + s.side/2, Y: top - s.side - 3})
		}
	}
	c.SetLineDash(nil, 0)
}
