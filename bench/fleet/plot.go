package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Sizes of the plot, in its own units.
const (
	panelSize = 230.0 // both ways
	margin    = 58.0  // around each panel, for scales and labels
)

// style has colours of a middle tone, of a contrast above 4 on light and on dark
// ground: a page does not tell its images which it is.
const style = `<style>
text{font:13px system-ui,sans-serif;fill:#6e7781}.title{font-weight:600}
path{fill:none;stroke:#8c959f}.grid{stroke-opacity:.35}.linear{stroke-opacity:.7;stroke-dasharray:2 4}
.line{stroke-width:2}.line0{stroke:#1f75e8}.line1{stroke:#c9581b}.line2{stroke:#218a3e}
.text0{fill:#1f75e8}.text1{fill:#c9581b}.text2{fill:#218a3e}
</style>
`

// plot draws growth as an SVG that is readable on light and on dark ground.
func plot(points []point) string {
	panels := []*panel{
		{title: "time, s", lines: timeSeries(points)},
		{title: "memory of the client, MiB", lines: peakSeries(points)},
		{title: "memory of Redis, MB", lines: []series{redisSeries(points)}},
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="time and memory by number of hosts">`+"\n%s",
		float64(len(panels))*(panelSize+2*margin), panelSize+2*margin, style)
	for i, p := range panels {
		p.left = margin + float64(i)*(panelSize+2*margin)
		p.scale()
		p.grid(&s)
		for i := range p.lines {
			p.line(&s, i)
		}
		p.labels(&s)
	}
	s.WriteString("</svg>\n")
	return s.String()
}

// A panel is one diagram, logarithmic both ways: what grows in proportion is parallel
// to the dotted lines, and what grows faster is steeper.
type panel struct {
	title string
	lines []series

	left                   float64
	minX, maxX, minY, maxY float64 // exponents of ten
}

// scale makes room for all values, from one power of ten to another.
func (p *panel) scale() {
	p.minX, p.minY, p.maxX, p.maxY = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, l := range p.lines {
		for i, v := range l.values {
			x, y := math.Log10(float64(l.hosts[i])), math.Log10(v)
			p.minX, p.maxX = min(p.minX, math.Floor(x)), max(p.maxX, math.Ceil(x))
			p.minY, p.maxY = min(p.minY, math.Floor(y)), max(p.maxY, math.Ceil(y))
		}
	}
}

// at is where a value is drawn, of which these are the logarithms.
func (p *panel) at(x, y float64) (float64, float64) {
	return p.left + (x-p.minX)/(p.maxX-p.minX)*panelSize, margin + (p.maxY-y)/(p.maxY-p.minY)*panelSize
}

// grid draws a line at each power of ten, and dotted ones that are linear.
func (p *panel) grid(s *strings.Builder) {
	stroke := func(class string, x1, y1, x2, y2 float64) {
		left, top := p.at(x1, y1)
		right, bottom := p.at(x2, y2)
		fmt.Fprintf(s, `<path class="%s" d="M%.1f %.1fL%.1f %.1f"/>`+"\n", class, left, top, right, bottom)
	}
	write := func(class, anchor string, x, y float64, text string) {
		fmt.Fprintf(s, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, text)
	}
	for x := p.minX; x <= p.maxX; x++ {
		stroke("grid", x, p.minY, x, p.maxY)
		left, bottom := p.at(x, p.minY)
		write("", "middle", left, bottom+18, thousands(int(math.Pow(10, x))))
	}
	for y := p.minY; y <= p.maxY; y++ {
		stroke("grid", p.minX, y, p.maxX, y)
		left, top := p.at(p.minX, y)
		write("", "end", left-7, top+4, fmt.Sprintf("%g", math.Pow(10, y)))
	}
	for k := p.minY - p.maxX; k <= p.maxY-p.minX; k++ {
		if from, to := max(p.minX, p.minY-k), min(p.maxX, p.maxY-k); from < to {
			stroke("linear", from, from+k, to, to+k)
		}
	}
	write("title", "start", p.left, margin-14, p.title)
	write("", "end", p.left+panelSize, margin+panelSize+36, "hosts")
}

func (p *panel) line(s *strings.Builder, i int) {
	var path, dots strings.Builder
	for j, v := range p.lines[i].values {
		x, y := p.at(math.Log10(float64(p.lines[i].hosts[j])), math.Log10(v))
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], x, y)
		fmt.Fprintf(&dots, `<circle class="text%d" cx="%.1f" cy="%.1f" r="3"/>`+"\n", i, x, y)
	}
	fmt.Fprintf(s, `<path class="line line%d" d="%s"/>`+"\n%s", i, path.String(), dots.String())
}

// labels writes the name of each line beside its end, below that of the line above.
func (p *panel) labels(s *strings.Builder) {
	const height = 15.0
	type label struct {
		line int
		x, y float64
	}
	var labels []label
	for i, l := range p.lines {
		x, y := p.at(math.Log10(float64(l.hosts[len(l.hosts)-1])), math.Log10(l.values[len(l.values)-1]))
		labels = append(labels, label{i, x + 8, y + 4})
	}
	slices.SortFunc(labels, func(a, b label) int { return cmp.Compare(a.y, b.y) })
	for i, l := range labels {
		if i > 0 {
			l.y = max(l.y, labels[i-1].y+height)
			labels[i] = l
		}
		fmt.Fprintf(s, `<text class="text%d" x="%.1f" y="%.1f">%s</text>`+"\n", l.line, l.x, l.y, p.lines[l.line].label)
	}
}
