package pages

import g "maragu.dev/gomponents"

// The signs of an outcome, as paths.
const (
	dash ours = "M13 20h14"
	tick ours = "M12 20.5l5.5 5.5L28 15"
)

func sign(path ours) g.Node {
	return el("svg", attr("viewBox", "0 0 40 40"), attr("aria-hidden", "true"),
		void("circle", attr("cx", "20"), attr("cy", "20"), attr("r", "18")), void("path", attr("d", path)))
}

func (p Done) title() g.Node {
	if p.Approved {
		return say("Approved")
	}
	return say("Denied")
}

func (p Done) main() g.Node {
	var (
		mark         = dash
		outcome      = g.Group{say("may not act for you. It learned nothing.")}
		after   ours = "You can close this page."
	)
	if p.Approved {
		mark = tick
		outcome = g.Group{say("may act for you now"), p.tenant(), say(".")}
		after = "You can close this page and go back to where you came from."
	}
	client := say("The client")
	if claim(p.Client) != "" {
		client = quote(p.Client)
	}
	return lines(
		sign(mark),
		el("h1", p.title()),
		el("p", client, say(" "), outcome),
		el("p", say(after)),
	)
}

func (p Done) tenant() g.Node {
	if claim(p.Tenant) == "" {
		return nil
	}
	return g.Group{say(", in the tenant "), quote(p.Tenant)}
}
