package figures

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

// Style says how a figure of the paper is drawn.
type Style string

const (
	// Faithful draws as the paper does.
	Faithful Style = "faithful"
	// Clean keeps data, order and markers, and mends what a reader stumbles over:
	// captions stand beside the points instead of on them, groups are named in their
	// middle, bars under chance hang from it, and the colours can be told apart by
	// colour-blind readers.
	Clean Style = "clean"
)

// Styles lists the styles by name.
func Styles() []Style { return []Style{Faithful, Clean} }

// The paper's measures in points.
const (
	inch        = vg.Inch
	labelSize   = vg.Length(9)
	tickSize    = vg.Length(7)
	frameWidth  = vg.Length(0.8)
	tickLength  = vg.Length(3.5)
	tickPad     = vg.Length(3.5)
	labelPad    = vg.Length(4)
	pagePad     = vg.Length(3)
	markEdge    = vg.Length(0.5)
	paperWidth  = 5.5 * inch
	pointsLine  = 0.955 // height of a line of text, as a part of its size
	chanceRAUC  = 0.5
	resNetTitle = "ResNet 50 trained on downstream test classes"
)

var (
	gridColour = color.RGBA{0xd3, 0xd3, 0xd3, 0xff}
	grey       = color.RGBA{0x55, 0x55, 0x55, 0xff}
)

func hex(v uint32) color.RGBA {
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}
}

// methodLook is a method's colour and marker; the sizes are those of the ResNet and
// the ViT.
type methodLook struct {
	name         string
	colour, safe color.RGBA
	shape        byte
	small, big   float64
}

// The paper's methods in legend order. The safe colours are near the paper's (within 30
// in CIELAB), moved apart by a search for the largest least distance between any two as
// readers with full sight, protanopia, deuteranopia and tritanopia see them; TestPalette
// measures it.
var methods = []methodLook{
	{"CE", hex(0x1f77b4), hex(0x04326d), '^', 12, 46},
	{"InfoNCE", hex(0xff7f0e), hex(0xc07208), 'v', 12, 46},
	{"MCInfoNCE", hex(0x2ca02c), hex(0xa0d872), 's', 9, 39},
	{"ELK", hex(0xd62728), hex(0x830800), 'p', 15, 49},
	{"nivMF", hex(0x008080), hex(0x167f8e), 'h', 14, 46},
	{"HIB", hex(0x9467bd), hex(0x7946cd), 'P', 11, 46},
	{"HET-XL", hex(0x8c564b), hex(0x491624), '*', 13, 54},
	{"Riskpred", hex(0xe377c2), hex(0xfa94ff), 'H', 14, 46},
	{"MCDropout", hex(0xbcbd22), hex(0xd9d000), 'X', 11, 43},
	{"Ensemble", hex(0x17becf), hex(0x13dbbd), 'D', 9, 37},
	{"SNGP", hex(0x7f7f7f), hex(0x96775b), 'o', 13, 39},
}

// others are given in turn to methods that the paper does not have.
var others = []methodLook{
	{"", hex(0x3b3b98), hex(0x0072b2), 's', 10, 40},
	{"", hex(0x6b8e23), hex(0xe69f00), '^', 12, 46},
	{"", hex(0xb33939), hex(0xd55e00), 'D', 9, 37},
	{"", hex(0x84817a), hex(0x666666), 'p', 15, 49},
}

// lookup finds a method's look; others' names give their place among the methods that
// the paper does not have.
func lookup(method string, strangers []string) methodLook {
	for _, m := range methods {
		if m.name == method {
			return m
		}
	}
	i := max(slices.Index(strangers, method), 0)
	m := others[i%len(others)]
	m.name = method
	return m
}

// strangers lists the methods of a table that the paper does not have, in order.
func strangers(t results.Table) []string {
	var out []string
	for _, r := range t {
		if !slices.ContainsFunc(methods, func(m methodLook) bool { return m.name == r.Method }) && !slices.Contains(out, r.Method) {
			out = append(out, r.Method)
		}
	}
	return out
}

func (s Style) colour(m methodLook) color.RGBA {
	if s == Clean {
		return m.safe
	}
	return m.colour
}

// The groups of the paper.
const (
	resNet = "ResNet 50"
	vit    = "ViT Medium"
)

// looks gives runs their looks: colour and marker tell the method, the size the
// backbone (small ResNet, big ViT, between them any other), a black edge one's own runs.
type looks struct {
	style     Style
	strangers []string
}

func (l looks) of(r results.Run) look {
	m := lookup(r.Method, l.strangers)
	k := look{shape: m.shape, colour: l.style.colour(m), edge: markEdge, own: r.Source == results.Own}
	switch r.Group() {
	case resNet:
		k.size = m.small
	case vit:
		k.size = m.big
	default:
		k.size = math.Round((m.small + m.big) / 2)
	}
	return k
}
