package akostest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace"
)

// An AuthStore is a workspace.Store in memory that keeps accounts, tokens,
// clients and audit. Whatever else is asked of it panics. The zero AuthStore
// is empty.
type AuthStore struct {
	mu     sync.RWMutex
	data   authData
	fail   func() error
	writes int64
}

// Fail makes each transaction from now on fail with what fn returns; nil makes
// it well again.
func (s *AuthStore) Fail(fn func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fn
}

// authData is copied for each transaction that writes: what fails leaves
// nothing.
type authData struct {
	users   map[string]workspace.User
	members map[[2]string]workspace.Member // by user and tenant
	tokens  map[string]workspace.Token
	clients map[string]workspace.Client
	events  []workspace.Event
}

// Read runs fn on what is kept.
func (s *AuthStore) Read(ctx context.Context, fn func(workspace.Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.fails(ctx); err != nil {
		return err
	}
	return fn(&authTx{authData: &s.data})
}

// Write runs fn alone, and keeps what it did if it returns nil.
func (s *AuthStore) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails(ctx); err != nil {
		return err
	}
	s.writes++
	d := authData{
		users: copied(s.data.users), members: copied(s.data.members),
		tokens: copied(s.data.tokens), clients: copied(s.data.clients),
		events: slices.Clip(s.data.events),
	}
	err := fn(&authTx{authData: &d})
	if err == nil {
		s.data = d
	}
	return err
}

// Made reports that it is there.
func (s *AuthStore) Made(ctx context.Context) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return true, s.fails(ctx)
}

func (s *AuthStore) fails(ctx context.Context) error {
	if err := ctx.Err(); err != nil || s.fail == nil {
		return err
	}
	return s.fail()
}

// Version counts the calls of Write.
func (s *AuthStore) Version(ctx context.Context) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.writes, s.fails(ctx)
}

// Alone runs fn.
func (s *AuthStore) Alone(_ context.Context, _ string, fn func() error) error { return fn() }

// Check returns nil.
func (s *AuthStore) Check(context.Context) (string, error) { return "in memory", nil }

// Events returns the audit.
func (s *AuthStore) Events() []workspace.Event {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.data.events)
}

// AllTokens returns every token, of whatever kind.
func (s *AuthStore) AllTokens() []workspace.Token {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.data.tokens))
}

func copied[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// An authTx is the part of a workspace.Tx that an authorization server needs;
// the rest is nil.
type authTx struct {
	workspace.Tx
	*authData
}

func (t *authTx) Audit(e workspace.Event) error {
	t.events = append(t.events, e)
	return nil
}

func (t *authTx) Users(id string) (us []workspace.User, err error) {
	for _, u := range t.users {
		if id == "" || u.ID == id {
			us = append(us, u)
		}
	}
	slices.SortFunc(us, func(a, b workspace.User) int { return strings.Compare(a.ID, b.ID) })
	return us, nil
}

func (t *authTx) PutUser(u workspace.User) error {
	t.users[u.ID] = u
	return nil
}

func (t *authTx) DeleteUser(id string) (bool, error) {
	_, ok := t.users[id]
	delete(t.users, id)
	maps.DeleteFunc(t.members, func(_ [2]string, m workspace.Member) bool { return m.User == id })
	maps.DeleteFunc(t.tokens, func(_ string, tok workspace.Token) bool { return tok.User == id })
	return ok, nil
}

func (t *authTx) Members(user, tenant string) (ms []workspace.Member, err error) {
	for _, m := range t.members {
		if (user == "" || m.User == user) && (tenant == "" || m.Tenant == tenant) {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, func(a, b workspace.Member) int {
		return strings.Compare(a.Tenant+" "+a.User, b.Tenant+" "+b.User)
	})
	return ms, nil
}

func (t *authTx) PutMember(m workspace.Member) error {
	t.members[[2]string{m.User, m.Tenant}] = m
	return nil
}

// DropMember ends a membership: as if an owner had.
func (s *AuthStore) DropMember(user, tenant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.data.members, [2]string{user, tenant})
}

func (t *authTx) Token(hash string) (workspace.Token, bool, error) {
	tok, ok := t.tokens[hash]
	return tok, ok, nil
}

func (t *authTx) AddToken(tok workspace.Token) error {
	if _, ok := t.tokens[tok.Hash]; ok {
		return workspace.Errorf(workspace.Conflict, "there is such a token")
	}
	t.tokens[tok.Hash] = tok
	return nil
}

func (t *authTx) UseToken(hash string, at time.Time) error {
	tok := t.tokens[hash]
	tok.Used = at
	t.tokens[hash] = tok
	return nil
}

func (t *authTx) Tokens(tenant string) (ts []workspace.Token, err error) {
	for _, tok := range t.tokens {
		if tok.Kind == workspace.TokenPersonal && (tenant == "" || tok.Tenant == tenant) {
			ts = append(ts, tok)
		}
	}
	slices.SortFunc(ts, func(a, b workspace.Token) int { return a.Created.Compare(b.Created) })
	return ts, nil
}

func (t *authTx) DeleteTokens(family string) (int, error) {
	before := len(t.tokens)
	maps.DeleteFunc(t.tokens, func(_ string, tok workspace.Token) bool { return tok.Family == family })
	return before - len(t.tokens), nil
}

func (t *authTx) DeleteLogins(user string) error {
	maps.DeleteFunc(t.tokens, func(_ string, tok workspace.Token) bool {
		return tok.User == user && tok.Kind != workspace.TokenPersonal
	})
	return nil
}

func (t *authTx) PruneTokens(before time.Time) error {
	maps.DeleteFunc(t.tokens, func(_ string, tok workspace.Token) bool { return tok.Expires.Before(before) })
	return nil
}

func (t *authTx) Client(id string) (workspace.Client, bool, error) {
	c, ok := t.clients[id]
	return c, ok, nil
}

func (t *authTx) AddClient(c workspace.Client) error {
	t.clients[c.ID] = c
	return nil
}

func (t *authTx) Clients() (int, error) { return len(t.clients), nil }

func (t *authTx) PruneClients(before time.Time) error {
	used := map[string]bool{}
	for _, tok := range t.tokens {
		used[tok.Client] = true
	}
	maps.DeleteFunc(t.clients, func(id string, c workspace.Client) bool { return c.Created.Before(before) && !used[id] })
	return nil
}
