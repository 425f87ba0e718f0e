package pages

import g "maragu.dev/gomponents"

func (p Setup) title() g.Node { return titled("Set up akos", p.Problem) }

func (p Setup) main() g.Node {
	var rule, least g.Node
	if p.MinPassword != 0 {
		rule = say("At least " + number(p.MinPassword) + " characters. ")
		least = attr("minlength", number(p.MinPassword))
	}
	return lines(
		el("h1", say("Set up akos")),
		el("p", say("Create the first account. It will own this workspace. The link to this page works once.")),
		alert(p.Problem),
		// No action: the path that it was opened under is the one-time link.
		el("form", attr("method", "post"), lines(
			label("user", "User name"),
			userField(p.User, p.Problem),
			label("password", "Password"),
			el("p", class("hint"), id("rule"), rule, say("A few words that don't belong together are good.")),
			passwordField("password", "new-password", least, describedBy(p.Problem, "rule"), g.If(p.User != "", attr("autofocus", ""))),
			label("again", "Password again"),
			passwordField("again", "new-password", least, describedBy(p.Problem, "")),
			submit("Create account"),
		)),
	)
}
