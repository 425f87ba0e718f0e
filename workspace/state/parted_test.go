//go:build unix

package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
	"github.com/ncruces/go-sqlite3"
)

// reader begins to read the state, which keeps its log from being folded back
// further than to what it sees.
func reader(t *testing.T, home string) (end func()) {
	t.Helper()
	db, err := sqlite3.Open("file:" + filepath.Join(home, "state.db") + "?mode=rw")
	if err == nil {
		err = db.Exec("BEGIN; SELECT count(*) FROM secret")
	}
	if err != nil {
		t.Fatal(err)
	}
	done := false
	end = func() {
		if !done {
			done = true
			_, _ = db.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
			_ = db.Close()
		}
	}
	t.Cleanup(end)
	return end
}

// files returns the content of the database, of its log and of the log's index.
func files(t *testing.T, home string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range []string{"state.db", "state.db-wal", "state.db-shm"} {
		data, err := os.ReadFile(filepath.Join(home, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil {
			all[name] = data
		}
	}
	return all
}

// place makes a home like that of from, with these files.
func place(t *testing.T, from string, all map[string][]byte) (home string) {
	t.Helper()
	home = filepath.Join(t.TempDir(), "home")
	identity, err := os.ReadFile(filepath.Join(from, "vault.identity"))
	if err == nil {
		err = errors.Join(os.Mkdir(home, 0o700), os.WriteFile(filepath.Join(home, "vault.identity"), identity, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range all {
		write(t, filepath.Join(home, name), data)
	}
	return home
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A logged is a home with one version of K after the other.
type logged struct {
	home  string
	steps []map[string][]byte // the files after each version
}

// versions stores 8 versions of K, and other keys. Some are folded back at
// once. Somebody reads from the third on, and another from the fifth on when
// the first has ended: so there are logs that are not folded back, and one
// that is in part.
func versions(t *testing.T) logged {
	t.Helper()
	l := logged{home: filepath.Join(t.TempDir(), "home")}
	var first, second func()
	for i := range 8 {
		switch i {
		case 3:
			first = reader(t, l.home)
		case 5:
			second = reader(t, l.home)
			first()
		}
		ok(t, l.home, fmt.Sprint(i), "vault", "put", "K", "--stdin")
		ok(t, l.home, strings.Repeat("x", 9000), "vault", "put", fmt.Sprintf("OTHER_%d", i), "--stdin")
		l.steps = append(l.steps, files(t, l.home))
	}
	t.Cleanup(second)
	for i, n := range []int{0, 0, 0, 1, 1, 1, 1, 1} {
		if (len(l.steps[i]["state.db-wal"]) > 0) != (n == 1) {
			t.Fatalf("after version %d the log has %d bytes", i, len(l.steps[i]["state.db-wal"]))
		}
	}
	if bytes.Equal(l.steps[4]["state.db"], l.steps[5]["state.db"]) {
		t.Fatal("nothing was folded back between")
	}
	return l
}

// paste does what a hint says.
func paste(t *testing.T, r result) {
	t.Helper()
	_, hint, found := strings.Cut(r.err, "hint: ")
	if !found {
		t.Fatalf("no hint in %q", r.err)
	}
	hint, _, _ = strings.Cut(hint, "\n")
	if out, err := exec.Command("/bin/sh", "-c", hint).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", hint, err, out)
	}
}

// TestCopies opens what people copy.
func TestCopies(t *testing.T) {
	t.Parallel()
	l := versions(t)
	holds := func(what, home string, version int) {
		t.Helper()
		s, err := look(t, home)
		if err != nil || s.values["K"] != fmt.Sprint(version) || s.versions["K"] != version+1 || len(s.values) != version+2 {
			t.Errorf("%s of version %d: K is version %d, %q, of %d keys: %v", what, version, s.versions["K"]-1, s.values["K"], len(s.values), err)
		}
	}
	for i, all := range l.steps {
		// All files, as a process left them that was killed.
		home := place(t, l.home, all)
		holds("all files", home, i)
		ok(t, home, "", "vault", "list")
		if len(files(t, home)["state.db-wal"]) > 0 {
			t.Errorf("version %d: a log is left", i)
		}
		// The database alone, once it was closed.
		alone := files(t, home)["state.db"]
		holds("the database alone", place(t, l.home, map[string][]byte{"state.db": alone}), i)
		// All but the index, as the machine left them that lost its power.
		home = place(t, l.home, map[string][]byte{"state.db": all["state.db"], "state.db-wal": all["state.db-wal"]})
		holds("database and log", home, i)
		// A backup in the place of one that was closed.
		write(t, filepath.Join(home, "state.db"), alone)
		holds("a backup", home, i)
	}
	// While the log is folded back, the database goes through all that it was
	// since the log began; each of them and the whole log make the last.
	last := l.steps[7]
	for i := 2; i < 8; i++ {
		if string(l.steps[i]["state.db"]) == string(last["state.db"]) || i >= 3 {
			holds("database and the last log", place(t, l.home, map[string][]byte{"state.db": l.steps[i]["state.db"], "state.db-wal": last["state.db-wal"]}), 7)
		}
	}
	// A log that was folded back and is still there: it may be replayed, but
	// not a part of it.
	home := place(t, l.home, last)
	db, err := sqlite3.Open("file:" + filepath.Join(home, "state.db") + "?mode=rw")
	if err == nil {
		err = db.Exec("SELECT count(*) FROM secret; PRAGMA wal_checkpoint(PASSIVE)")
	}
	if err != nil {
		t.Fatal(err)
	}
	folded := files(t, home)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	holds("what is folded back", place(t, l.home, folded), 7)
	for _, index := range []bool{true, false} {
		log := bytes.Clone(folded["state.db-wal"])
		log[len(log)/2] ^= 1
		broken := map[string][]byte{"state.db": folded["state.db"], "state.db-wal": log}
		if index {
			broken["state.db-shm"] = folded["state.db-shm"]
		}
		refused(t, place(t, l.home, broken), []string{"damaged"}, "vault", "list")
	}
}

// TestParted puts a database and a log together that don't belong together.
// SQLite would replay it.
func TestParted(t *testing.T) {
	t.Parallel()
	l := versions(t)
	other, _ := stored(t)
	old := t.TempDir()
	restore(t, "testdata/schema-1.sql", old)
	migrated := t.TempDir()
	restore(t, "testdata/schema-1.sql", migrated)
	if db := state.New(migrated); errors.Join(trust(t, db, "/p"), db.Close()) != nil {
		t.Fatal("it was not migrated")
	}
	log := l.steps[7]["state.db-wal"]
	foreign := files(t, other)["state.db"]
	for _, c := range []struct {
		name  string
		words []string
		db    []byte
		log   []byte
		found int // keys, once the hint was followed
	}{
		{"an older backup", []string{"the log of another database", "nothing was changed", "akos-mcp", "akos serve"}, l.steps[1]["state.db"], log, 3},
		{"the oldest backup", []string{"the log of another database"}, l.steps[0]["state.db"], log, 2},
		{"the state of another home, with its stamp elsewhere", []string{"the log of another database"}, files(t, migrated)["state.db"], log, -1},
		{"the state of another home", []string{"the log of another database"}, foreign, log, 50},
		{"a state without stamps", []string{"the log of another database"}, files(t, old)["state.db"], log, -1},
		{"no database", []string{"damaged", "state.db-wal and state.db-shm", "akos-mcp and akos serve", "backup"}, nil, log, 0},
		{"an empty database", []string{"damaged"}, []byte{}, log, 0},
		{"a database that is cut", []string{"damaged"}, l.steps[7]["state.db"][:50], log, 0},
	} {
		for _, index := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, index %v", c.name, index), func(t *testing.T) {
				t.Parallel()
				all := map[string][]byte{"state.db-wal": c.log}
				if c.db != nil {
					all["state.db"] = c.db
				}
				if index {
					all["state.db-shm"] = l.steps[7]["state.db-shm"]
				}
				from := l.home
				if c.found == 50 {
					from = other
				}
				home := place(t, from, all)
				for _, args := range [][]string{{"vault", "list"}, {"vault", "put", "NEW", "--stdin"}, {"vault", "remove", "K", "--force"}} {
					refused(t, home, c.words, args...)
				}
				if r := run(t, home, "", "doctor"); r.code != 1 || !strings.Contains(r.out, "[FAIL] state") || !strings.Contains(r.out, c.words[0]) {
					t.Errorf("doctor: exit %d: %s", r.code, r.out)
				}
				now := files(t, home)
				if !bytes.Equal(now["state.db"], c.db) || !bytes.Equal(now["state.db-wal"], c.log) || (now["state.db"] == nil) != (c.db == nil) {
					t.Error("the files were changed")
				}
				paste(t, run(t, home, "", "vault", "list"))
				if c.found < 0 {
					ok(t, home, "", "vault", "list")
					return
				}
				ok(t, home, "new", "vault", "put", "NEW", "--stdin")
				if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, `"key"`) != c.found+1 {
					t.Errorf("after the hint: %s", out)
				}
				ok(t, home, "", "doctor")
				moved, err := filepath.Glob(filepath.Join(home, "*", "state.db-wal"))
				if err != nil || len(moved) != 1 {
					t.Fatal(moved, err)
				}
				if kept, err := os.ReadFile(moved[0]); err != nil || !bytes.Equal(kept, c.log) {
					t.Errorf("the log was not kept: %v", err)
				}
			})
		}
	}
}

// TestOtherProgram changes the state with another program, beside processes
// that have it open.
func TestOtherProgram(t *testing.T) {
	t.Parallel()
	home, _ := stored(t)
	db := staying(t, home)
	for i := range 3 {
		end := reader(t, home)
		raw(t, home, `UPDATE secret SET updated = 7 WHERE fold = 'k_0'`, nil)
		if log := files(t, home)["state.db-wal"]; len(log) == 0 {
			t.Fatal("there is no log")
		}
		if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, "1970-01-01T00:00:00.007Z") != 1 {
			t.Errorf("list: %s", out)
		}
		if i > 0 {
			ok(t, home, "v", "vault", "put", "K_1", "--stdin")
		}
		end()
		if i > 1 {
			raw(t, home, `VACUUM`, nil)
			ok(t, home, "v", "vault", "put", "K_2", "--stdin")
		}
		if n, err := keys(t, db); err != nil || n != 50 {
			t.Errorf("%d keys, %v", n, err)
		}
		ok(t, home, "", "doctor")
	}
}

// TestRemovedBeside removes a state with 400 keys while another process has it
// open, with a log.
func TestRemovedBeside(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	ok(t, home, "v", "vault", "put", "K", "--stdin")
	end := reader(t, home)
	var file strings.Builder
	for i := range 400 {
		fmt.Fprintf(&file, "KEY_%d=value %d\n", i, i)
	}
	write(t, home+".env", []byte(file.String()))
	ok(t, home, "", "vault", "import", home+".env")
	db := staying(t, home)
	all := files(t, home)
	if err := os.Remove(filepath.Join(home, "state.db")); err != nil {
		t.Fatal(err)
	}
	if err := trust(t, db, "/p"); workspace.Explain(err).Kind != workspace.Unavailable {
		t.Errorf("a process that stays writes: %v", err)
	}
	if _, err := keys(t, db); workspace.Explain(err).Kind != workspace.Unavailable {
		t.Errorf("a process that stays reads: %v", err)
	}
	hopeless(t, home, []string{"damaged", "state.db-wal and state.db-shm"})
	end()
	hopeless(t, home, []string{"damaged", "state.db-wal and state.db-shm"})
	write(t, filepath.Join(home, "state.db"), all["state.db"])
	if s, err := look(t, home); err != nil || len(s.values) != 401 || s.values["KEY_399"] != "value 399" {
		t.Errorf("with the database again: %d keys, %v", len(s.values), err)
	}
}
