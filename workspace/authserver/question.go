package authserver

import (
	"net/http"
	"slices"

	"example.com/akos/workspace"
	"example.com/akos/workspace/pages"
)

// A question is what a person is asked: whether a client may act for them. It
// is put to one browser session and answered once.
type question struct {
	session  string // hash of the cookie
	client   client
	scopes   []string
	audience string
	device   string   // which device asks; "" for an authorization request
	request  *request // or which authorization request
}

// ask shows q to v.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, v visitor, q question, page pages.Approve) {
	if len(v.tenants) == 0 {
		pages.Write(w, http.StatusForbidden, pages.Problem{
			Title: "You are in no tenant",
			Text:  "There is nothing that a client could do for you. Ask an owner to add you.",
		})
		return
	}
	transaction := random()
	q.session = v.session
	if !s.questions.put(hash(transaction), v.user, q) {
		s.broken(w, r, &fault{status: http.StatusServiceUnavailable, code: "temporarily_unavailable"})
		return
	}
	page.Transaction, page.User, page.Tenants = transaction, v.user, v.tenants
	page.Client, page.Registered = q.client.Name, q.client.registered
	for _, sc := range workspace.TokenScopes {
		if slices.Contains(q.scopes, sc.Name) {
			page.Scopes = append(page.Scopes, pages.Scope{Name: sc.Name, Means: sc.Means})
		}
	}
	pages.Write(w, http.StatusOK, page)
}

// decision returns the question that a form answers, and what was granted:
// nil for no. Otherwise ok is false and w is answered.
//
// It is taken only from the browser session that was asked, and once: a form
// that somebody else got can't be sent by this person.
func (s *Server) decision(w http.ResponseWriter, r *http.Request, fit func(question) bool) (q question, g *grant, ok bool) {
	p, err := readForm(r)
	if err != nil {
		s.broken(w, r, err)
		return q, nil, false
	}
	v, ok := s.visitor(w, r, "/")
	if !ok {
		return q, nil, false
	}
	tenant := p["tenant"]
	if tenant == "" && len(v.tenants) == 1 {
		tenant = v.tenants[0]
	}
	yes := p["decision"] == "approve"
	if !yes && p["decision"] != "deny" || yes && !slices.Contains(v.tenants, tenant) {
		pages.Write(w, http.StatusUnprocessableEntity, pages.Problem{
			Title: "Nothing was decided",
			Text:  "Go back, choose one of your tenants, and then approve or deny.",
		})
		return q, nil, false
	}
	q, ok = s.questions.take(hash(p["transaction"]), func(q question) bool { return q.session == v.session && fit(q) })
	if !ok {
		pages.Write(w, http.StatusConflict, pages.Problem{
			Title: "That question is not open any more",
			Text:  "It was answered already, or too long ago. Start again where you came from.",
			Next:  "/", Label: "Start again",
		})
		return q, nil, false
	}
	if yes && q.client.registered {
		if _, is := s.newcomers.get(q.client.ID); is && !s.settled.take(v.user) {
			tooMany(w, "You approved too many new clients today. Those that you approved before are not affected.")
			return q, nil, false
		}
		if err := s.settle(r.Context(), q.client.Client); err != nil {
			s.broken(w, r, err)
			return q, nil, false
		}
	}
	if yes {
		g = &grant{
			client: q.client.ID, user: v.user, tenant: tenant, audience: q.audience,
			scopes: q.scopes, family: random(), stamp: v.stamp,
		}
	}
	return q, g, true
}
