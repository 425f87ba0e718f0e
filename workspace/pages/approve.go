package pages

import g "maragu.dev/gomponents"

func (Approve) title() g.Node { return say("Approve or deny") }

func (p Approve) main() g.Node {
	return lines(
		el("h1", say("May this client act for you?")),
		p.client(),
		g.If(p.UserCode != "", el("p", class("shown"), showName(p.UserCode))),
		g.If(p.UserCode != "", el("p", class("ask"), say("Is this the code that your device shows? If not, deny."))),
		p.facts(),
		g.If(len(p.Scopes) > 0, el("h2", say("If you approve, it can"))),
		p.scopes(),
		el("form", attr("method", "post"), action(p.Action), lines(
			void("input", attr("type", "hidden"), attr("name", "transaction"), carried(p.Transaction)),
			p.tenant(),
			el("p", class("sure"), id("sure"), say("Approve only if you started this yourself, just now.")),
			el("div", class("decide"), lines(
				el("button", class("go"), attr("type", "submit"), attr("name", "decision"), attr("value", "approve"),
					attr("aria-describedby", "sure"), say("Approve")),
				// Who denies need not choose a tenant first.
				el("button", class("no"), attr("type", "submit"), attr("name", "decision"), attr("value", "deny"),
					attr("formnovalidate", ""), say("Deny")),
			)),
		)),
	)
}

// client says who asks, and what that is worth.
func (p Approve) client() g.Node {
	if claim(p.Client) == "" {
		return el("div", class("claim"), lines(el("p", class("name"), say("It gives no name."))))
	}
	var says ours = "It says that it is"
	if p.Registered {
		says = "It calls itself"
	}
	return el("div", class("claim"), lines(
		el("p", say(says)),
		el("p", class("name"), quote(p.Client)),
		g.If(p.Registered, el("p", class("hint"), say("akos can't vouch for this name."))),
	))
}

// facts says what akos knows of the request itself.
func (p Approve) facts() g.Node {
	rows := []g.Node{fact("Signed in as", showName(p.User))}
	if len(p.Tenants) == 1 {
		rows = append(rows, fact("Tenant", showName(p.Tenants[0])))
	}
	if p.From != "" {
		rows = append(rows, fact("Asked from", showAddress(p.From)))
	}
	if p.Redirect != "" {
		var where g.Group
		if loopback(p.Redirect) {
			where = g.Group{say(" "), el("span", class("hint"), say("A program on this computer"))}
		}
		rows = append(rows, fact("Returns to", showAddress(p.Redirect), where))
	}
	return el("dl", lines(rows...))
}

// fact is a row of facts. The value stands alone: its direction of writing
// must not turn what is around it.
func fact(what ours, value g.Node, more ...g.Node) g.Node {
	return el("div", el("dt", say(what)), el("dd", el("bdi", value), g.Group(more)))
}

func (p Approve) scopes() g.Node {
	if len(p.Scopes) == 0 {
		return nil
	}
	var items []g.Node
	for _, s := range p.Scopes {
		items = append(items, el("li", el("bdi", showText(s.Means)), say(" "), el("code", showName(s.Name))))
	}
	return el("ul", lines(items...))
}

// tenant asks for a tenant where there is a choice.
func (p Approve) tenant() g.Node {
	switch len(p.Tenants) {
	case 0:
		return nil
	case 1:
		return void("input", attr("type", "hidden"), attr("name", "tenant"), carried(p.Tenants[0]))
	}
	choice := []g.Node{el("legend", say("In which tenant?"))}
	for i, t := range p.Tenants {
		field := "tenant-" + number(i)
		choice = append(choice, el("label", attr("for", field),
			void("input", id(field), attr("type", "radio"), attr("name", "tenant"), carried(t), attr("required", "")),
			say(" "), el("bdi", showName(t))))
	}
	return el("fieldset", lines(choice...))
}
