package play

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build builds programs of this module into a directory.
func build(t *testing.T, packages ...string) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.Command("go", append([]string{"build", "-o", bin + string(filepath.Separator)}, packages...)...)
	cmd.Dir, cmd.Env = "../../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

func load(t *testing.T, dirs ...string) []*Play {
	t.Helper()
	plays, err := Load("../..", dirs...)
	if err != nil {
		t.Fatal(err)
	}
	return plays
}

// TestFiles reads every data file.
func TestFiles(t *testing.T) {
	t.Parallel()
	titles := map[string]string{}
	for dir, least := range map[string]int{"tasks": 15, "attacks": 75, "control": 1} {
		plays := load(t, dir)
		if len(plays) < least {
			t.Errorf("%d files in %s, at least %d are right", len(plays), dir, least)
		}
		for _, p := range plays {
			if other := titles[p.Title]; other != "" {
				t.Errorf("%s and %s have the same title", p.Name, other)
			}
			titles[p.Title] = p.Name
			if dir == "tasks" && len(p.Goal) == 0 {
				t.Errorf("%s has no goal", p.Name)
			}
		}
	}
}

// TestControl: all leaks of the leaky server are found, and where there is
// none, none is.
func TestControl(t *testing.T) {
	t.Parallel()
	o := &Options{}
	results, err := Control(o, load(t, "control")[0], filepath.Join(build(t, "./evals/leaky"), "leaky"), 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) < 60 {
		t.Errorf("%d leaks", len(results)-1)
	}
	for _, r := range results {
		if !r.Passed {
			t.Errorf("%s: %v", r.Name, r.Problems)
		}
	}
}

// TestPlays puts a few files on with the built binaries, and then what must
// fail: the same with a step, a goal or a server that is not right.
func TestPlays(t *testing.T) {
	t.Parallel()
	o := &Options{Bin: build(t, "./cmd/akos", "./cmd/akos-mcp")}
	var some []*Play
	for _, p := range load(t, "tasks", "attacks") {
		switch p.Name {
		case "tasks/slack-connection", "tasks/store-on-page-modern", "attacks/ask-outright", "attacks/credential-in-every-argument", "attacks/page-posted",
			"attacks/tenant-by-token", "attacks/session-of-another", "attacks/token-refused", "attacks/token-for-another-server", "attacks/host-forged":
			some = append(some, p)
		}
	}
	if len(some) != 10 {
		t.Fatalf("%d files", len(some))
	}
	over := map[string]int{}
	for _, r := range Run(o, some, 2) {
		over[r.Over]++
		if !r.Passed || r.Bytes == 0 {
			t.Errorf("%s over %s: %v", r.Name, r.Over, r.Problems)
		}
	}
	if over["stdio"] != 5 || over["http"] != 10 {
		t.Errorf("put on over %v", over)
	}
	for want, text := range map[string]string{
		"goal:2":               "-- steps --\nalive\n-- goal --\nakos vault list --json\nhas NOT_THERE\n",
		"goal:1":               "-- steps --\nalive\n-- goal --\nakos vault remove NOT_THERE\n",
		"steps:2":              "-- steps --\ncall vault_list {}\nrefused\n",
		"setup:1":              "-- setup --\nakos! version\n-- steps --\nalive\n",
		"there is no":          "-- steps --\ncall vault_list ${nothing}\n",
		"is not refused":       "-- steps --\nspray SPARE\n",
		"the answers differ":   "-- steps --\ncompare GITHUB_TOKEN with 1\n",
		"they differ":          "-- steps --\ncall vault_list {}\nkeep a\ncall creds_list {}\nsame a\n",
		"no hint":              "-- steps --\ncall vault_list {}\nfollow\n",
		"the server has ended": "server: --nonsense\n-- steps --\nalive\n",
		"the page answers":     "-- steps --\ncall vault_put {\"key\":\"K\"}\nperson declines\nperson enters token\n",
		"it is 401":            "over: http\n-- steps --\nsend POST ${mcp} | body: {}\nstatus 200\n",
		"akos-mcp does not":    "over: http\nserver: --nonsense\n-- steps --\nalive\n",
		"no such token":        "over: http\n-- steps --\nas nobody\n",
		"no answer of HTTP":    "over: http\n-- steps --\nwire ${host}\n",
		"beside the agent, p":  "-- steps --\ncall vault_put {\"key\":\"K\",\"reason\":\"${line|json}\"}\nperson enters token\n",
	} {
		p, err := Parse("attacks/x", []byte("A title\n\nwhy\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		p.Over = p.Over[:1]
		r := Run(o, []*Play{p}, 1)[0]
		var got strings.Builder
		for _, problem := range r.Problems {
			got.WriteString(problem.String() + "\n")
		}
		if r.Passed || !strings.Contains(got.String(), want) {
			t.Errorf("%q is not what is wrong: %s", want, got.String())
		}
	}
}

// TestParse: what can't be read is no play.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "A title\n-- steps --\nalive\n", "A title\nwhy\n", "A title\nwhy\n-- steps --\nreveal x\n",
		"A title\nwhy\nclient: telepathic\n-- steps --\nalive\n",
		"A title\nwhy\nover: pigeon\n-- steps --\nalive\n", "A title\nwhy\n-- steps --\npause a while\n", "A title\nwhy\n-- steps --\nalive\n-- goal --\nAlive\n",
	} {
		if _, err := Parse("x", []byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	if _, err := Load("../..", "nothing"); err == nil {
		t.Error("an empty directory is read")
	}
}
