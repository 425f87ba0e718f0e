package pages

import g "maragu.dev/gomponents"

func (p SignIn) title() g.Node { return titled("Sign in", p.Problem) }

func (p SignIn) main() g.Node {
	var next g.Node
	if local(p.Next) != "" {
		next = void("input", attr("type", "hidden"), attr("name", "next"), carried(p.Next))
	}
	return lines(
		el("h1", say("Sign in")),
		el("p", say("To this workspace, with your akos account.")),
		alert(p.Problem),
		el("form", attr("method", "post"), attr("action", "/signin"), lines(
			next,
			label("user", "User name"),
			userField(p.User, p.Problem),
			label("password", "Password"),
			passwordField("password", "current-password", describedBy(p.Problem, ""), g.If(p.User != "", attr("autofocus", ""))),
			submit("Sign in"),
		)),
	)
}

func (SignedIn) title() g.Node { return say("Signed in") }

func (p SignedIn) main() g.Node {
	return lines(
		el("h1", say("Signed in")),
		el("p", say("As "), el("bdi", showName(p.User)), say(".")),
		goOn(p.Next, say("Continue")),
	)
}
