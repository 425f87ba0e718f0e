package pages

import g "maragu.dev/gomponents"

func (p Problem) title() g.Node { return showText(p.Title) }

func (p Problem) main() g.Node {
	label := say("Continue")
	if name(p.Label) != "" {
		label = showName(p.Label)
	}
	return lines(
		el("h1", showText(p.Title)),
		g.If(p.Text != "", el("p", showText(p.Text))),
		goOn(p.Next, label),
	)
}
