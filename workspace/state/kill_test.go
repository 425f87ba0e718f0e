//go:build unix

package state_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// rounds is how often each kill test kills; AKOS_TEST_ROUNDS=5000 for a night.
func rounds(t *testing.T, usual int) int {
	if s := os.Getenv("AKOS_TEST_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatal("AKOS_TEST_ROUNDS must be a number")
		}
		return n
	}
	return usual
}

// A model is what must be stored.
type model struct {
	values   map[string]string
	versions map[string]int
	conns    map[string]bool
	audit    int
}

func (m model) clone() model {
	return model{maps.Clone(m.values), maps.Clone(m.versions), maps.Clone(m.conns), m.audit}
}

func (m *model) put(key, value string) {
	m.values[key] = value
	m.versions[key]++
	m.audit++
}

func (m model) is(s seen) bool {
	return maps.Equal(m.values, s.values) && maps.Equal(m.versions, s.versions) && maps.Equal(m.conns, s.conns) && m.audit == s.audit
}

// An act is one command, and what it makes of the model.
type act struct {
	args  []string
	stdin string
	next  model
}

// random returns a command that can succeed on what m holds.
func random(t *testing.T, rnd *rand.Rand, m model, home string, round int) act {
	bytesOf := func() string { // a NUL first, so that no line end is taken off
		b := make([]byte, 1+rnd.IntN(30_000))
		for i := 1; i < len(b); i++ {
			b[i] = byte(rnd.Uint32())
		}
		return string(b)
	}
	next := m.clone()
	switch n := rnd.IntN(10); {
	case n < 5 || len(m.values) == 0:
		key := fmt.Sprintf("K_%d", rnd.IntN(6))
		a := act{args: []string{"vault", "put", key, "--stdin"}, stdin: bytesOf()}
		next.put(key, a.stdin)
		a.next = next
		return a
	case n < 7:
		var file bytes.Buffer
		for i := range 5 {
			key, value := fmt.Sprintf("FILE_%d", i), fmt.Sprintf("round-%d-%d", round, rnd.Uint64())
			fmt.Fprintf(&file, "%s=%s\n", key, value)
			next.put(key, value)
		}
		path := home + ".env"
		if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return act{[]string{"vault", "import", path}, "", next}
	case n < 8:
		for key := range m.values {
			delete(next.values, key)
			delete(next.versions, key)
			next.audit++
			return act{[]string{"vault", "remove", key, "--force"}, "", next}
		}
	case n < 9 && len(m.conns) > 0:
		for name := range m.conns {
			delete(next.conns, name)
			next.audit++
			return act{[]string{"connections", "remove", name}, "", next}
		}
	}
	name := fmt.Sprintf("c%d", round)
	for key := range m.values {
		next.conns[name] = true
		next.audit++
		return act{[]string{"connections", "create", "github", "--name", name, "--vault-key", key}, "", next}
	}
	panic("unreachable")
}

// kill starts cmd and kills it after d. It reports whether cmd had ended
// well before.
func kill(t *testing.T, cmd *exec.Cmd, stdin string, d time.Duration) (acknowledged bool) {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader([]byte(stdin)), &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // its error is in the state of the process
	timer.Stop()
	if code := cmd.ProcessState.ExitCode(); code > 0 {
		t.Fatalf("%q: exit %d: %s", cmd.Args[1:], code, errs.String())
	}
	return cmd.ProcessState.Success()
}

// TestKill kills a writer at a random moment, again and again: what was
// acknowledged stays, what was interrupted is whole or absent, and nothing
// else is there.
func TestKill(t *testing.T) {
	t.Parallel()
	const homes = 3
	n := rounds(t, 120)
	for h := range homes {
		t.Run(fmt.Sprint(h), func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano()) + uint64(h)
			t.Log("seed", seed)
			rnd := rand.New(rand.NewPCG(seed, 0))
			home := filepath.Join(t.TempDir(), "home")
			m := model{map[string]string{}, map[string]int{}, map[string]bool{}, 0}
			killed, whole := 0, 0
			span := 40 * time.Millisecond
			for round := range n {
				a := random(t, rnd, m, home, round)
				done := kill(t, command(t, home, a.args...), a.stdin, time.Duration(rnd.Int64N(int64(span))))
				s, err := look(t, home)
				if err != nil {
					t.Fatalf("round %d, %q: %v", round, a.args, err)
				}
				switch {
				case a.next.is(s):
					if m = a.next; !done {
						whole++
					}
				case done:
					t.Fatalf("round %d: %q was acknowledged and is lost", round, a.args)
				case !m.is(s):
					t.Fatalf("round %d: %q was interrupted and left something between", round, a.args)
				}
				// On a busy machine a command takes longer.
				if span = max(span*9/10, 5*time.Millisecond); !done {
					span = span * 4 / 3
					killed++
				}
				if round%10 == 0 {
					listed(t, home, m)
				}
			}
			listed(t, home, m)
			t.Logf("%d of %d were killed, %d of these after they had written", killed, n, whole)
			if killed < n/10 || killed == n {
				t.Errorf("%d of %d were killed: the moments are badly chosen", killed, n)
			}
		})
	}
}

// listed compares what a fresh process tells with m.
func listed(t *testing.T, home string, m model) {
	t.Helper()
	var keys struct {
		Keys []struct {
			Key     string
			Present bool
		}
	}
	var conns struct{ Connections []struct{ Name string } }
	if err := json.Unmarshal([]byte(ok(t, home, "", "vault", "list", "--json")), &keys); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(ok(t, home, "", "connections", "list", "--json")), &conns); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.Keys {
		if _, there := m.values[k.Key]; !there || !k.Present {
			t.Errorf("%+v is listed", k)
		}
	}
	if len(keys.Keys) != len(m.values) || len(conns.Connections) != len(m.conns) {
		t.Errorf("%d keys and %d connections are listed, want %d and %d", len(keys.Keys), len(conns.Connections), len(m.values), len(m.conns))
	}
}

// TestKillFirst kills the process that makes the home: the next one makes it,
// or finds it whole.
func TestKillFirst(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	whole := 0
	for round := range rounds(t, 80) {
		home := filepath.Join(t.TempDir(), "home")
		var done bool
		for range 1 + rnd.IntN(2) { // the second may find what a killed one left
			done = kill(t, command(t, home, "vault", "put", "FIRST", "--stdin"), "first", time.Duration(rnd.Int64N(int64(35*time.Millisecond)))) || done
		}
		ok(t, home, "second", "vault", "put", "SECOND", "--stdin")
		s, err := look(t, home)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		first, there := s.values["FIRST"]
		if done && !there || there && first != "first" || s.values["SECOND"] != "second" || len(s.keys) != 1 || len(s.values) > 2 {
			t.Fatalf("round %d: acknowledged %v: %v, %d data keys", round, done, s.values, len(s.keys))
		}
		if there {
			whole++
		}
		if left, _ := filepath.Glob(filepath.Join(home, "state.db.new*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
	t.Logf("%d were whole", whole)
}
