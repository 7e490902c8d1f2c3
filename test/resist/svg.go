package main

import (
	"bytes"
	"fmt"
	"math"
)

// The drawing: share of spam still called spam, over the number of words.
const (
	left, top     = 50, 20
	width, height = 480, 240
)

var colours = map[string]string{"strongest behind": "#b2182b", "random behind": "#2166ac"}

func drawing(list []curve) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<title>Good words put behind the text of spam: share still called spam</title>
<rect width="100%%" height="100%%" fill="white"/>
`, left+width+20, top+height+100)
	for share := 0; share <= 100; share += 25 {
		y := at(float64(share) / 100)
		fmt.Fprintf(&b, "<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>\n", left, y, width, left-6, y+4, share)
	}
	for _, k := range steps {
		fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", along(k), top+height+18, k)
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">words of good mail</text>\n", left+width/2, top+height+36)
	line := 0
	for _, c := range list {
		if colours[c.words] != "" {
			line++
			c.draw(&b, top+height+36+14*line)
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw adds a curve and its line of the legend.
func (c curve) draw(b *bytes.Buffer, legend int) {
	style, reader := "", "whole model"
	if c.alone {
		style, reader = ` stroke-dasharray="5 4"`, "chi-squared alone"
	}
	fmt.Fprintf(b, `<path fill="none" stroke-width="2" stroke="%s"%s d="`, colours[c.words], style)
	for i, f := range c.shares {
		fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(i, 1)], along(steps[i]), at(f[0]))
	}
	fmt.Fprintf(b, "\"/>\n<path stroke-width=\"2\" stroke=\"%s\"%s d=\"M%d %dh30\"/><text x=\"%d\" y=\"%d\">%s words, %s</text>\n",
		colours[c.words], style, left, legend-4, left+38, legend, c.words[:len(c.words)-len(" behind")], reader)
}

// along is the place of a number of words, on a scale of ln(1+k).
func along(k int) float64 {
	return left + width*math.Log1p(float64(k))/math.Log1p(float64(steps[len(steps)-1]))
}

func at(share float64) float64 { return top + height*(1-share) }
