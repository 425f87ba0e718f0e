//go:build unix

package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
)

// staying is a process that stays and has the state of home open.
func staying(t *testing.T, home string) *state.DB {
	t.Helper()
	db := state.New(home)
	t.Cleanup(func() { _ = db.Close() })
	if _, err := keys(t, db); err != nil {
		t.Fatal(err)
	}
	return db
}

func keys(t *testing.T, db *state.DB) (n int, err error) {
	t.Helper()
	err = db.Read(t.Context(), func(tx workspace.Tx) error {
		infos, err := tx.Keys("default", workspace.LocalTenant, "")
		n = len(infos)
		return err
	})
	return n, err
}

func trust(t *testing.T, db *state.DB, path string) error {
	t.Helper()
	return db.Write(t.Context(), func(tx workspace.Tx) error { return tx.SetTrust(path, "hash", "w", time.UnixMilli(1)) })
}

// TestReplacedWhileOpen removes or replaces the state under a process that
// stays: what that one acknowledges is where others find it.
func TestReplacedWhileOpen(t *testing.T) {
	t.Parallel()
	base, _ := stored(t)
	ok(t, base, "", "vault", "remove", "K_1", "--force")
	backup := files(t, base)["state.db"]
	ok(t, base, "v", "vault", "put", "LAST", "--stdin")
	other := filepath.Join(t.TempDir(), "home")
	ok(t, other, "v", "vault", "put", "ONE", "--stdin")
	larger, smaller := backup, files(t, other)["state.db"]
	for _, c := range []struct {
		name    string
		replace func(t *testing.T, path string)
		keys    int
	}{
		{"removed", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"the whole home removed", func(t *testing.T, path string) {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"a backup moved there", func(t *testing.T, path string) {
			write(t, path+".backup", larger)
			if err := os.Rename(path+".backup", path); err != nil {
				t.Fatal(err)
			}
		}, 49},
		{"a smaller one moved there", func(t *testing.T, path string) {
			write(t, path+".backup", smaller)
			if err := os.Rename(path+".backup", path); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"a backup copied there", func(t *testing.T, path string) { write(t, path, larger) }, 49},
		{"a smaller one copied there", func(t *testing.T, path string) { write(t, path, smaller) }, 1},
	} {
		for _, first := range []string{"it reads", "it writes", "it closes", "another writes", "another writes, it closes"} {
			t.Run(c.name+", "+first, func(t *testing.T) {
				t.Parallel()
				home := place(t, base, files(t, base))
				path := filepath.Join(home, "state.db")
				db := staying(t, home)
				if err := trust(t, db, "/old"); err != nil {
					t.Fatal(err)
				}
				c.replace(t, path)
				want := []string{}
				other := strings.HasPrefix(first, "another")
				if other {
					second := state.New(home)
					switch err := trust(t, second, "/another"); {
					case err == nil:
						want = append(want, "/another")
					case workspace.Explain(err).Kind != workspace.Unavailable || !strings.Contains(err.Error(), "akos-mcp"):
						t.Errorf("another: %v", err)
					}
					if err := second.Close(); err != nil {
						t.Error(err)
					}
				}
				switch {
				case strings.HasSuffix(first, "closes"):
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				case first == "it reads":
					if n, err := keys(t, db); err != nil || n != c.keys {
						t.Errorf("%d keys, %v", n, err)
					}
				}
				if err := trust(t, db, "/new"); err != nil {
					t.Errorf("it writes: %v", err)
				}
				want = append(want, "/new")
				for who, db := range map[string]*state.DB{"it": db, "another": state.New(home)} {
					if n, err := keys(t, db); err != nil || n != c.keys {
						t.Errorf("%s finds %d keys, %v", who, n, err)
					}
					err := db.Read(t.Context(), func(tx workspace.Tx) error {
						paths, _, err := tx.Known("w")
						if strings.Join(paths, " ") != strings.Join(want, " ") {
							t.Errorf("%s finds %q, want %q", who, paths, want)
						}
						return err
					})
					if _, cerr := db.Check(t.Context()); errors.Join(err, cerr) != nil {
						t.Errorf("%s: %v %v", who, err, cerr)
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				}
				if log := files(t, home)["state.db-wal"]; len(log) > 0 {
					t.Errorf("a log of %d bytes is left", len(log))
				}
			})
		}
	}
}

// TestReplacedUnderLog puts an older backup, and the state of another home, in
// the place of one with a log, under a process that stays. It neither goes on
// nor folds the log into what is not its own.
func TestReplacedUnderLog(t *testing.T) {
	t.Parallel()
	other, _ := stored(t)
	for name, put := range map[string]func(t *testing.T, path string, data []byte){
		"moved": func(t *testing.T, path string, data []byte) {
			write(t, path+".backup", data)
			if err := os.Rename(path+".backup", path); err != nil {
				t.Fatal(err)
			}
		},
		"copied": write,
	} {
		for _, older := range []bool{true, false} {
			for _, act := range []string{"reads", "writes", "closes"} {
				t.Run(fmt.Sprintf("%s, older %v, %s", name, older, act), func(t *testing.T) {
					t.Parallel()
					home := filepath.Join(t.TempDir(), "home")
					path := filepath.Join(home, "state.db")
					ok(t, home, "0", "vault", "put", "K", "--stdin")
					backup := files(t, home)["state.db"]
					if !older {
						backup = files(t, other)["state.db"]
					}
					ok(t, home, "1", "vault", "put", "K", "--stdin")
					end := reader(t, home)
					ok(t, home, "2", "vault", "put", "K", "--stdin")
					db := staying(t, home)
					if err := trust(t, db, "/p"); err != nil {
						t.Fatal(err)
					}
					log := files(t, home)["state.db-wal"]
					put(t, path, backup)
					end()
					var err error
					switch act {
					case "reads":
						_, err = keys(t, db)
					case "writes":
						err = trust(t, db, "/q")
					}
					if act != "closes" && (workspace.Explain(err).Kind != workspace.Unavailable || !strings.Contains(err.Error(), "log of another database")) {
						t.Errorf("it %s: %v", act, err)
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
					now := files(t, home)
					if !bytes.Equal(now["state.db"], backup) || !bytes.Equal(now["state.db-wal"], log) {
						t.Error("the files were changed")
					}
					refused(t, home, []string{"log of another database"}, "vault", "list")
				})
			}
		}
	}
}

// TestLogRemovedWhileOpen takes the log and its index away, as the hint says,
// from a process that was not stopped.
func TestLogRemovedWhileOpen(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"-wal"}, {"-shm"}, {"-wal", "-shm"}} {
		home, path := stored(t)
		db := staying(t, home)
		if err := trust(t, db, "/1"); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.Remove(path + name); err != nil {
				t.Fatal(err)
			}
		}
		other := state.New(home)
		for i := range 3 {
			for who, db := range map[string]*state.DB{"other": other, "it": db} {
				if err := trust(t, db, fmt.Sprintf("/%s/%d", who, i)); err != nil {
					t.Errorf("%q, %s: %v", names, who, err)
				}
			}
		}
		if err := errors.Join(db.Close(), other.Close()); err != nil {
			t.Error(err)
		}
		if n := count(t, home, "SELECT count(*) FROM trust"); n != 7 {
			t.Errorf("%q: %d of 7 are there", names, n)
		}
		ok(t, home, "", "doctor")
	}
}

// TestReplacedWithin replaces the database between the begin of a transaction
// and its end: it is not acknowledged.
func TestReplacedWithin(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"removed": os.Remove,
		"moved": func(path string) error {
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path+".backup", data, 0o600), os.Rename(path+".backup", path))
		},
	} {
		home, path := stored(t)
		db := staying(t, home)
		err := db.Write(t.Context(), func(tx workspace.Tx) error {
			if err := replace(path); err != nil {
				t.Fatal(err)
			}
			if name == "removed" { // what another makes has a log of its own
				soon(t, func() { ok(t, home, "v", "vault", "put", "NEW", "--stdin") })
			}
			return tx.Audit(workspace.Event{Op: "lost"})
		})
		if workspace.Explain(err).Kind != workspace.Unavailable || !strings.Contains(err.Error(), "removed or replaced at this moment") {
			t.Errorf("%s: %v", name, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if name == "removed" {
			if s, err := look(t, home); err != nil || s.values["NEW"] != "v" || s.audit != 1 {
				t.Errorf("%s: %v, %d acts, %v", name, s.values, s.audit, err)
			}
		}
	}
}

// TestWaitsWhileRemoved removes the state while a command waits for its value.
func TestWaitsWhileRemoved(t *testing.T) {
	t.Parallel()
	home, path := stored(t)
	waiting := command(t, home, "vault", "put", "NEW", "--no-overwrite", "--stdin")
	stdin, err := waiting.StdinPipe()
	if err == nil {
		err = waiting.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	reads(t, stdin)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_ = stdin.Close()
	if err := waiting.Wait(); err != nil {
		t.Fatal(err)
	}
	if s, err := look(t, home); err != nil || s.values["NEW"] != half || len(s.values) != 1 {
		t.Errorf("%d values, %v", len(s.values), err)
	}
}
