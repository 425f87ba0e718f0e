package pages

import g "maragu.dev/gomponents"

func (p EnterCode) title() g.Node { return titled("Enter the code", p.Problem) }

func (p EnterCode) main() g.Node {
	var how ours = "Type the code that your device shows."
	if p.Code != "" && p.Problem == "" {
		how = "This code came with the link. Continue only if your device shows the same one."
	}
	return lines(
		el("h1", say("Enter the code")),
		el("p", id("how"), say(how)),
		alert(p.Problem),
		el("form", attr("method", "post"), attr("action", "/device"), lines(
			label("code", "Code"),
			void("input", class("code"), id("code"), attr("name", "user_code"), attr("type", "text"), typed(p.Code), attr("required", ""),
				attr("autocomplete", "one-time-code"), attr("inputmode", "text"), attr("autocapitalize", "characters"),
				attr("autocorrect", "off"), attr("spellcheck", "false"), describedBy(p.Problem, "how never"), attr("autofocus", "")),
			submit("Continue"),
		)),
		el("p", class("hint after"), id("never"), say("Never type a code that somebody sent you.")),
	)
}
