package pages

import g "maragu.dev/gomponents"

func (p Entry) title() g.Node { return titled("Enter a value", p.Problem) }

func (p Entry) main() g.Node {
	var heading ours = "Enter a value"
	if len(p.Keys) > 1 {
		heading = "Enter " + number(len(p.Keys)) + " values"
	}
	var fields []g.Node
	for i, k := range p.Keys {
		fields = append(fields, p.field(i, k))
	}
	return lines(
		el("h1", say(heading)),
		p.client(),
		alert(p.Problem),
		p.facts(),
		// No action: the path that it was opened under is the one-time link.
		el("form", attr("method", "post"), attr("enctype", "multipart/form-data"), lines(append(fields,
			el("p", class("sure"), id("sure"), say("It goes into your vault. The agent can use it and never sees it. This page works once, for ten minutes.")),
			el("div", class("decide"), lines(
				el("button", class("go"), attr("type", "submit"), attr("aria-describedby", "sure"), say("Store")),
				// What was typed does not go along.
				el("button", class("no"), attr("type", "submit"), attr("form", "decline"), say("Decline")),
			)))...,
		)),
		el("form", id("decline"), attr("method", "post"), attr("enctype", "multipart/form-data"),
			void("input", attr("type", "hidden"), attr("name", "decision"), attr("value", "decline"))),
	)
}

// client says who asks, and what that is worth.
func (p Entry) client() g.Node {
	who := g.Group{el("p", class("name"), say("An agent that gives no name asks for it."))}
	if claim(p.Client) != "" {
		who = g.Group{el("p", say("Asked for by an agent that calls itself")), say("\n"), el("p", class("name"), quote(p.Client))}
	}
	return el("div", class("claim"), lines(
		who,
		g.If(saying(p.Reason) != "", el("p", say("In the agent's own words: "), quoteWords(p.Reason))),
		el("p", class("hint"), say("akos can't vouch for that. If you did not ask for this, decline.")),
	))
}

// facts says what akos knows of the request itself.
func (p Entry) facts() g.Node {
	var rows []g.Node
	provider := ""
	for i, k := range p.Keys {
		if i == 0 || k.Provider != provider {
			provider = k.Provider
			if k.Provider == "" {
				rows = append(rows, fact("Provider", say("Not in the catalog: the agent chose the name of the key")))
			} else {
				rows = append(rows, fact("Provider", showName(k.Provider)))
			}
			if k.DocsURL != "" {
				rows = append(rows, fact("Where to get it", showAddress(k.DocsURL)))
			}
			if len(k.Scopes) > 0 {
				rows = append(rows, fact("Scopes it needs", el("code", showName(k.Scopes[0])), moreScopes(k.Scopes[1:])))
			}
		}
	}
	if p.Tenant != "" {
		rows = append(rows, fact("For", el("span", say("every workspace of the tenant "), el("bdi", showName(p.Tenant)))))
		rows = append(rows, fact("Asked in", showName(p.Workspace)))
	} else {
		rows = append(rows, fact("For", el("span", say("the workspace "), el("bdi", showName(p.Workspace)))))
	}
	return el("dl", lines(rows...))
}

func moreScopes(scopes []string) g.Node {
	var all g.Group
	for _, s := range scopes {
		all = append(all, say(", "), el("code", showName(s)))
	}
	return all
}

// field asks for one value: a line of it, or several, or a file.
func (p Entry) field(i int, k EntryKey) g.Node {
	n := number(i)
	key := el("code", id("key-"+n), showAddress(k.Name))
	return lines(
		el("label", attr("for", "line-"+n), say("Value of "), key),
		void("input", id("line-"+n), attr("name", "line-"+n), attr("type", "password"), attr("autocomplete", "off"),
			attr("autocapitalize", "none"), attr("spellcheck", "false"), describedBy(p.Problem, ""), g.If(i == 0, attr("autofocus", ""))),
		el("details", lines(
			el("summary", id("more-"+n), say("Several lines, or a file")),
			el("label", attr("for", "text-"+n), say("Several lines")),
			el("textarea", id("text-"+n), attr("name", "text-"+n), attr("rows", "4"), attr("autocomplete", "off"), attr("autocapitalize", "none"),
				attr("spellcheck", "false"), describedBy(p.Problem, "key-"+n)),
			el("label", attr("for", "file-"+n), say("A file, up to 1 MiB, exactly as it is")),
			void("input", id("file-"+n), attr("name", "file-"+n), attr("type", "file"), describedBy(p.Problem, "key-"+n)),
		)),
	)
}

func (p Entered) title() g.Node {
	if p.Declined {
		return say("Declined")
	}
	return say("Stored")
}

func (p Entered) main() g.Node {
	if p.Declined {
		return lines(
			sign(dash),
			el("h1", p.title()),
			el("p", say("Nothing was stored. The agent is told that you declined.")),
			el("p", say("You can close this page.")),
		)
	}
	var keys, notices []g.Node
	for _, k := range p.Keys {
		keys = append(keys, el("li", el("code", showAddress(k))))
	}
	for _, n := range p.Notices {
		if n != "" {
			notices = append(notices, el("p", class("problem"), say("But look: "), el("bdi", showText(n))))
		}
	}
	return lines(
		sign(tick),
		el("h1", p.title()),
		el("ul", lines(keys...)),
		g.Group(notices),
		el("p", say("The agent is told that, and not what you entered. You can close this page.")),
	)
}
