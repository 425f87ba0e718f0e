package authserver

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/akos/workspace"
)

const (
	maxClients   = 1_000
	clientGrace  = time.Hour // for a client without a token, once there are many
	maxRedirects = 8
	maxRedirect  = 512 // bytes
	maxName      = 64  // characters
)

// A registration is what a client says of itself, RFC 7591 section 2, as far
// as it matters here: "The authorization server MUST ignore any client
// metadata sent by the client that it does not understand".
type registration struct {
	RedirectURIs  []string `json:"redirect_uris"`
	AuthMethod    *string  `json:"token_endpoint_auth_method"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Name          string   `json:"client_name"`
}

// A registered is the answer, RFC 7591 section 3.2.1: "the authorization
// server MUST return all registered metadata about this client".
type registered struct {
	ID            string   `json:"client_id"`
	IssuedAt      int64    `json:"client_id_issued_at"`
	Name          string   `json:"client_name,omitempty"`
	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
}

// register is the client registration endpoint. Anybody may register, which
// tells nothing of who they are.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	a, err := s.add(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Log.DebugContext(r.Context(), "a client registered", "client", a.ID, "name", quoted(a.Name), "from", quoted(s.address(r)))
	s.answer(w, http.StatusCreated, a)
}

func (s *Server) add(r *http.Request) (registered, error) {
	body, err := readBody(r, "application/json")
	if err != nil {
		return registered{}, err
	}
	reg, err := readRegistration(body)
	if err != nil {
		return registered{}, err
	}
	// What is not right leaves nothing, so it is not counted.
	if !s.arrivals.take(s.from(r)) {
		return registered{}, busy(int(arrivalWindow / time.Second))
	}
	c := workspace.Client{ID: "akos_client_" + random()[:22], Name: reg.Name, RedirectURIs: reg.RedirectURIs, Created: s.Now()}
	if !s.newcomers.put(c.ID, s.from(r), c) {
		return registered{}, busy(int(arrivalWindow / time.Second)) // the oldest gives way, so this can't be
	}
	return registered{c.ID, c.Created.Unix(), c.Name, c.RedirectURIs, "none", reg.GrantTypes, reg.ResponseTypes}, nil
}

// settle keeps a client that a person approves. Until then it is a newcomer, of
// which a stranger can bring as many as they like, and nothing is written.
func (s *Server) settle(ctx context.Context, c workspace.Client) error {
	c.Created = s.Now() // it has no token yet
	err := s.Store.Write(ctx, func(tx workspace.Tx) error {
		if _, ok, err := tx.Client(c.ID); ok || err != nil {
			return err
		}
		n, err := tx.Clients()
		if err == nil && n >= maxClients {
			if err = tx.PruneClients(s.Now().Add(-clientGrace)); err == nil {
				n, err = tx.Clients()
			}
		}
		if err == nil && n >= maxClients {
			err = workspace.Errorf(workspace.Unavailable, "%d clients are kept, and not one of them is done with", maxClients)
		}
		if err != nil {
			return err
		}
		if err := tx.AddClient(c); err != nil {
			return err
		}
		return tx.Audit(workspace.Event{At: c.Created, Actor: "server", Op: "client.register", Subject: c.ID, Detail: c.ID})
	})
	if err == nil {
		s.newcomers.remove(c.ID)
		s.Log.InfoContext(ctx, "a client was approved", "client", c.ID, "name", quoted(c.Name))
	}
	return err
}

// readRegistration reads a registration and replaces what it asks for by what
// it gets, RFC 7591 section 3.2.1: "The authorization server MAY reject or
// replace any of the client's requested metadata values submitted during the
// registration and substitute them with suitable values."
func readRegistration(body []byte) (reg registration, err error) {
	if !utf8.Valid(body) || json.Unmarshal(body, &reg) != nil {
		return reg, metadataFault("the metadata must be a JSON object with the types of RFC 7591")
	}
	// The default of section 2 is client_secret_basic; here all are public.
	if reg.AuthMethod != nil && *reg.AuthMethod != "none" {
		return reg, metadataFault("the token_endpoint_auth_method is none")
	}
	if len(reg.GrantTypes) == 0 {
		reg.GrantTypes = []string{grantCode}
	}
	byCode, byDevice := slices.Contains(reg.GrantTypes, grantCode), slices.Contains(reg.GrantTypes, grantDevice)
	if !byCode && !byDevice {
		return reg, metadataFault("the grant types are authorization_code, device_code and refresh_token")
	}
	// Section 2.1: it "SHOULD take steps to ensure that a client cannot
	// register itself into an inconsistent state".
	if byCode && len(reg.ResponseTypes) > 0 && !slices.Contains(reg.ResponseTypes, "code") {
		return reg, metadataFault("the response type of authorization_code is code")
	}
	// Section 2: "clients using flows with redirection MUST register their
	// redirection URI values".
	if n := len(reg.RedirectURIs); n > maxRedirects || n == 0 && byCode {
		return reg, refuse("invalid_redirect_uri", "there must be 1 to "+strconv.Itoa(maxRedirects)+" redirect_uris")
	}
	for _, text := range reg.RedirectURIs {
		if readRedirect(text) == nil {
			return reg, refuse("invalid_redirect_uri", "a redirect URI is https, or http on 127.0.0.1, [::1] or localhost, without a fragment")
		}
	}
	if utf8.RuneCountInString(reg.Name) > maxName || strings.ContainsFunc(reg.Name, func(r rune) bool { return !unicode.IsPrint(r) }) || workspace.Refuse(reg.Name, "") != nil {
		return reg, metadataFault("client_name has at most 64 characters that can be printed, and is no credential")
	}
	reg.GrantTypes, reg.ResponseTypes = []string{grantDevice, grantRefresh}, []string{}
	if len(reg.RedirectURIs) > 0 {
		reg.GrantTypes, reg.ResponseTypes = append([]string{grantCode}, reg.GrantTypes...), []string{"code"}
	}
	return reg, nil
}

func metadataFault(text string) error { return refuse("invalid_client_metadata", text) }

// readRedirect returns a redirection URI that may be registered, or nil.
//
// RFC 6749 section 3.1.2: "The redirection endpoint URI MUST be an absolute
// URI … The endpoint URI MUST NOT include a fragment component."
func readRedirect(text string) *url.URL {
	if len(text) > maxRedirect || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\#\"<>^`{|}", r) }) {
		return nil
	}
	u, err := url.Parse(text)
	// A URI that is written anew in another way could be read in another way.
	if err != nil || u.User != nil || u.Hostname() == "" || u.Opaque != "" || u.String() != text {
		return nil
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return nil
	}
	if u.Scheme != "https" && !loopback(u) {
		return nil
	}
	return u
}
