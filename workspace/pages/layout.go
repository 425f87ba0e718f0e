package pages

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"sync"

	g "maragu.dev/gomponents"
)

//go:embed style.css
var style string

// styleSource is style as a CSP source. Only a page needs it.
var styleSource = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
})

// layout returns the html element with a page in it.
func layout(p Page) g.Node {
	return el("html", attr("lang", "en"), lines(
		el("head", lines(
			void("meta", attr("charset", "utf-8")),
			void("meta", attr("name", "viewport"), attr("content", "width=device-width, initial-scale=1")),
			void("meta", attr("name", "color-scheme"), attr("content", "light dark")),
			void("meta", attr("name", "robots"), attr("content", "noindex")),
			el("title", p.title(), say(" · akos")),
			el("style", g.Raw(style)), // nothing in it is anybody else's
		)),
		el("body", lines(
			el("header", say("akos")),
			el("main", p.main()),
			el("footer", say("akos keeps your credentials. Agents use them and never see them.")),
		)),
	))
}

// titled returns the title of a page that asks for something. A screen reader
// reads the title first, so it says that there is a problem.
func titled(title ours, problem string) g.Node {
	if problem != "" {
		title = "Problem: " + title
	}
	return say(title)
}

// alert shows a problem, which the fields are then described by.
func alert(problem string) g.Node {
	if problem == "" {
		return nil
	}
	return el("p", class("problem"), id("problem"), attr("role", "alert"), showText(problem))
}

// describedBy binds a field to the problem, if there is one, and to the
// elements with these ids.
func describedBy(problem string, ids ours) g.Node {
	switch {
	case problem == "" && ids == "":
		return nil
	case problem == "":
		return attr("aria-describedby", ids)
	case ids == "":
		return attr("aria-describedby", "problem")
	}
	return attr("aria-describedby", "problem "+ids)
}

func label(field, s ours) g.Node { return el("label", attr("for", field), say(s)) }

// userField asks for a user name.
func userField(user, problem string) g.Node {
	return void("input", id("user"), attr("name", "user"), attr("type", "text"), typed(user), attr("required", ""),
		attr("autocomplete", "username"), attr("autocapitalize", "none"), attr("autocorrect", "off"), attr("spellcheck", "false"),
		describedBy(problem, ""), g.If(user == "", attr("autofocus", "")))
}

// passwordField asks for a password; it is never filled.
func passwordField(name, autocomplete ours, more ...g.Node) g.Node {
	return void("input", append([]g.Node{
		id(name), attr("name", name), attr("type", "password"), attr("required", ""),
		attr("autocomplete", autocomplete), attr("autocapitalize", "none"), attr("spellcheck", "false"),
	}, more...)...)
}

// submit is the button of a form that has one.
func submit(s ours) g.Node { return el("button", class("go"), attr("type", "submit"), say(s)) }

// goOn links to a path of this server; it is nil for any other.
func goOn(path string, label g.Node) g.Node {
	if local(path) == "" {
		return nil
	}
	return el("p", el("a", class("go"), href(path), label))
}
