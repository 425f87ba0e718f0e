package workspace_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
)

// opaque returns a value that nobody can guess and that has no vendor's form.
func opaque() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// refused reports whether texts are refused, in the words for what looks like a
// credential and no others.
func (h *home) refused(t testing.TB, texts ...string) bool {
	t.Helper()
	err := h.RefuseAny(t.Context(), "an argument", texts...)
	if err == nil {
		return false
	}
	want(t, workspace.Invalid, err)
	e := workspace.Explain(err)
	if like := workspace.Explain(workspace.Refuse("ghp"+"_"+strings.Repeat("fakeFAKE42", 4), "an argument")); e.Msg != like.Msg || e.Hint != like.Hint {
		t.Errorf("it can be told from a value that looks like one: %s", e.Msg)
	}
	for _, text := range texts {
		if strings.Contains(e.Msg+e.Hint+err.Error(), text) {
			t.Error("the error repeats an argument")
		}
	}
	return true
}

// TestRefuseStored: a stored value is refused wherever it stands in an
// argument, and what is not stored is not.
func TestRefuseStored(t *testing.T) {
	h := newHome(t)
	v := opaque()
	digits, symbols := opaque(), opaque()+"/a=="
	h.put(t, "A", v)
	h.put(t, "HEX", digits+"\n")
	h.put(t, "SYMBOLS", symbols)
	h.putIn(t, workspace.ScopeTenant, "SHARED", "9cfb482a-81e3-4154-b5b9-"+digits[:12])
	for _, s := range []string{
		v, " " + v + "\n", "token=" + v, "token: " + v, "Authorization:" + v, "Bearer " + v, `{"token":"` + v + `"}`, "'" + v + "',",
		"https://example.com/" + v, "https://example.com/?a=1&token=" + v + "&b=2", "https://u:" + v + "@example.com/", "a\tb\t" + v,
		"the key is " + v + ".env or so", "use `" + v + "` there", digits, "x=" + digits, symbols, "t=" + symbols, "Basic " + symbols, "9cfb482a-81e3-4154-b5b9-" + digits[:12],
	} {
		if is := strings.Contains(s, v+"."); h.refused(t, "some", s) == is {
			t.Errorf("%q: refused %v", strings.ReplaceAll(s, v, "VALUE"), !is)
		}
	}
	for _, s := range []string{"", v[1:], v[:len(v)-1], v + "x", strings.ToUpper(v), opaque(), "token=" + opaque(), digits[2:], strings.Repeat(opaque()+" ", 1000)} {
		if h.refused(t, s) {
			t.Errorf("%q is refused", s)
		}
	}
	// An older version is as burnt as the current one; what is removed is not
	// known any more.
	h.put(t, "A", opaque())
	if !h.refused(t, v) {
		t.Error("an older version is not refused")
	}
	must(h.Remove(t.Context(), "A", "", false))
	if h.refused(t, v) {
		t.Error("a removed value is refused")
	}
	if h.keys.opened > 5 {
		t.Errorf("the holder was asked %d times", h.keys.opened)
	}
}

// TestRefuseNoOracle: what could be guessed is never looked for, so nobody
// learns by trying whether it is stored.
func TestRefuseNoOracle(t *testing.T) {
	h := newHome(t)
	for i, v := range []string{"1", "prod", "hunter2", "us-east-1", "Company-Prod-2024!", "correct horse battery staple", "admin@example.com", "postgres.example.com:5432", strings.Repeat("a", 40)} {
		h.put(t, fmt.Sprint("K", i), v)
		h.env["OPENAI_API_KEY"] = v
		for _, s := range []string{v, "password=" + v, "Bearer " + v} {
			if h.refused(t, s) {
				t.Errorf("%q is refused", s)
			}
		}
	}
	if n := h.sql(t, `SELECT count(*) FROM value WHERE hash IS NULL OR hash <> x''`); n[0] != "0" {
		t.Errorf("%s guessable values are hashed", n)
	}
	// Nor can much be asked at once.
	v := opaque()
	h.put(t, "A", v)
	if h.refused(t, strings.Repeat(opaque()+" ", 64)+v) {
		t.Error("a call can ask for more than 64 values")
	}
}

// TestRefuseInTurn: who has a value but for its last letters can't try them one
// after the other: there comes an end, which is the same whatever is asked for,
// until time has passed.
func TestRefuseInTurn(t *testing.T) {
	h := newHome(t)
	v := opaque()
	h.put(t, "A", v)
	at := h.now
	ask := func(texts ...string) workspace.Kind {
		h.now = at.Add(-time.Second) // the next Now is at
		err := h.RefuseAny(t.Context(), "an argument", texts...)
		if err == nil {
			return 0
		}
		return workspace.Explain(err).Kind
	}
	for range 1024 / 64 {
		if k := ask(strings.Repeat(opaque()+" ", 64)); k != 0 {
			t.Fatalf("what is not stored is refused: %v", k)
		}
	}
	if a, b := ask(v), ask(opaque()); a != workspace.Unavailable || b != a {
		t.Errorf("beyond the limit: %v, %v", a, b)
	}
	if k := ask("slack", "team-chat"); k != 0 {
		t.Errorf("what can be no value is refused: %v", k)
	}
	at = at.Add(-time.Hour) // the clock is set back
	if k := ask(v); k != workspace.Unavailable {
		t.Errorf("a clock that is set back gives comparisons back: %v", k)
	}
	at = at.Add(time.Second)
	if a, b := ask(v), ask(opaque()); a != workspace.Invalid || b != 0 {
		t.Errorf("after a second: %v, %v", a, b)
	}
	if k := ask(opaque()); k != workspace.Unavailable {
		t.Errorf("a second gives back more than two: %v", k)
	}
}

// TestRefuseElsewhere: what another workspace or tenant holds is nobody's
// business here.
func TestRefuseElsewhere(t *testing.T) {
	h := newHome(t)
	other := openHome(t, h.dir, t.TempDir(), h.keys, "")
	must(other.Init(t.Context(), workspace.InitRequest{Dir: other.work, ID: "other"}))
	own, shared := opaque(), opaque()
	other.put(t, "A", own)
	other.putIn(t, workspace.ScopeTenant, "B", shared)
	if !other.refused(t, own) || !other.refused(t, shared) {
		t.Error("not refused where it is stored")
	}
	if h.refused(t, own) || !h.refused(t, shared) {
		t.Error("the other workspace's own value is known here, or the tenant's is not")
	}
}

// TestRefuseEnvironment: the environment is a backend too.
func TestRefuseEnvironment(t *testing.T) {
	h := newHome(t)
	v, w := opaque(), opaque()
	h.env["OPENAI_API_KEY"], h.env["AGENTSKITOS_SLACK_BOT_TOKEN"], h.env["HOME"] = v, w, "/home/"+opaque()
	if !h.refused(t, "key="+v) || !h.refused(t, w) || h.refused(t, h.env["HOME"]) {
		t.Error("not as it should")
	}
	same(t, "audit", h.sql(t, `SELECT op || ' ' || subject FROM audit`), []string{"argument.refuse OPENAI_API_KEY"})
}

// TestRefuseIsNoted: the person learns which key to rotate, and a caller in a
// loop does not fill the disk.
func TestRefuseIsNoted(t *testing.T) {
	h := newHome(t)
	v := opaque()
	h.put(t, "A", v)
	for range 30 { // the clock goes by a second each time
		h.refused(t, v)
	}
	h.now = h.now.Add(time.Minute)
	h.refused(t, v)
	same(t, "audit", h.sql(t, `SELECT actor || ' ' || subject || ': ' || detail FROM audit WHERE op = 'argument.refuse'`),
		[]string{"test A: an argument held its value", "test A: an argument held its value; 29 more since the last note"})
}

// TestRefuseOld: the values that an older akos stored are known once their
// data key is opened, and those whose hash key was lost.
func TestRefuseOld(t *testing.T) {
	dir := t.TempDir()
	env := func(name string) (string, bool) { return "file", name == "AKOS_VAULT" }
	h := openHome(t, dir, t.TempDir(), &holders{}, "")
	h.Keys = vault.New(vault.Options{Home: dir, LookupEnv: env})
	h.LookupEnv = env
	v := opaque()
	for i := range 70 {
		h.put(t, fmt.Sprint("K", i), fmt.Sprint(v, i))
	}
	known := func() (n int) {
		for i := range 70 {
			if h.refused(t, fmt.Sprint(v, i)) {
				n++
			}
		}
		return n
	}
	if n := known(); n != 70 {
		t.Fatalf("%d of 70 are known", n)
	}
	h.sql(t, `UPDATE value SET hash = NULL`) // so an older akos leaves them
	if n := known(); n != 0 {
		t.Errorf("%d are known without a hash", n)
	}
	h.put(t, "NEW", "x")
	if n := known(); n != 70 {
		t.Errorf("%d of 70 are known once the vault was opened", n)
	}
	if err := os.Remove(filepath.Join(dir, "vault.hashkey")); err != nil {
		t.Fatal(err)
	}
	if n := known(); n != 0 {
		t.Errorf("%d are known without the hash key", n)
	}
	h.put(t, "NEW", "y") // makes another one
	h.put(t, "NEW", "z")
	if n := known(); n != 70 {
		t.Errorf("%d of 70 are known with another hash key", n)
	}
	if n := h.sql(t, `SELECT count(DISTINCT substr(hash, 1, 4)) FROM value WHERE hash > x''`); n[0] != "1" {
		t.Errorf("hashes of %s keys", n)
	}
}

// TestRefuseWithoutHashKey: a hash key that can't be used stops nobody from
// storing, and what was stored meanwhile is known later.
func TestRefuseWithoutHashKey(t *testing.T) {
	h := newHome(t)
	h.keys.hashFails = workspace.Errorf(workspace.Denied, "open to other users")
	v := opaque()
	h.put(t, "A", v)
	if h.refused(t, v) {
		t.Error("it is known without a hash")
	}
	h.keys.hashFails = nil
	h.put(t, "B", "x")
	if !h.refused(t, v) {
		t.Error("it is not known later")
	}
}

// TestRefuseTouchesNothing: arguments that can be no stored value cost nothing.
func TestRefuseTouchesNothing(t *testing.T) {
	h := newHome(t)
	h.Workspace = workspace.New(workspace.Options{}) // it would panic
	if h.refused(t, "SLACK_BOT_TOKEN", "tenant", "https://api.example.com/v1", "why I need it: to post messages") {
		t.Error("refused")
	}
}

func BenchmarkRefuseAny(b *testing.B) {
	dir := b.TempDir()
	env := func(name string) (string, bool) { return "file", name == "AKOS_VAULT" }
	h := openHome(b, dir, b.TempDir(), &holders{}, "")
	h.Keys, h.LookupEnv = vault.New(vault.Options{Home: dir, LookupEnv: env}), env
	for i := range 100 {
		h.put(b, fmt.Sprint("K", i), opaque())
	}
	for name, s := range map[string]string{"name": "SLACK_BOT_TOKEN", "sentence": "to post the release notes to https://example.com/team", "opaque": opaque()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if h.RefuseAny(b.Context(), "an argument", s) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
