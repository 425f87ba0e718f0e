//go:build unix

package project

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRoot: which directories count, whatever a client says, and which of
// them a path is in.
func TestRoot(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(names ...string) string { return filepath.Join(append([]string{top}, names...)...) }
	home, work, own := in("people", "me"), in("srv", "work"), in("people", "me", ".local", "akos")
	for _, dir := range []string{
		in("people", "me", "app", "sub"), in("people", "me", "app2"), in("people", "me", "foreign"), in("people", "me", ".local", "akos", "keys"),
		in("people", "you"), in("srv", "work", "sub"), in("srv", "other"),
	} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, in("people", "me", "app", "file"), "", 0o600)
	for name, target := range map[string]string{
		"link": "app", "out": in("srv", "other"), "up": "..", "top": "/", "keys": own, "broken": "none", "a\nb": "app",
	} {
		if err := os.Symlink(target, filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(home, "c\nd"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", in("slash")); err != nil {
		t.Fatal(err)
	}
	foreign, foreignWork := filepath.Join(home, "foreign"), work
	if os.Getuid() == 0 {
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	} else {
		foreign, foreignWork = "/usr/share", "/usr"
	}
	app, app2 := filepath.Join(home, "app"), filepath.Join(home, "app2")
	me := Finder{Dir: work, User: home, Home: own}
	for name, c := range map[string]struct {
		f    Finder
		dirs []string
		path string
		want string
	}{
		"below home":              {me, []string{app}, filepath.Join(app, ".env"), app},
		"below that":              {me, []string{filepath.Join(app, "sub")}, ".env", filepath.Join(app, "sub")},
		"the working directory":   {me, []string{work}, ".env", work},
		"below it":                {me, []string{filepath.Join(work, "sub")}, ".env", filepath.Join(work, "sub")},
		"a link":                  {me, []string{filepath.Join(home, "link")}, filepath.Join(home, "link", ".env"), app},
		"a link, by its target":   {me, []string{filepath.Join(home, "link")}, filepath.Join(app, ".env"), app},
		"a link in its name":      {me, []string{filepath.Join(home, "a\nb")}, ".env", app},
		"the second holds it":     {me, []string{app, app2}, filepath.Join(app2, ".env"), app2},
		"relative to the first":   {me, []string{"/", app2, app}, ".env", app2},
		"working in home":         {Finder{Dir: home, User: home}, []string{app}, ".env", app},
		"no home":                 {Finder{Dir: work}, []string{work}, ".env", work},
		"a home of /":             {Finder{Dir: work, User: "/"}, []string{work}, ".env", work},
		"no roots":                {me, nil, ".env", ""},
		"outside of it":           {me, []string{app}, filepath.Join(app2, ".env"), ""},
		"a name that starts so":   {me, []string{app}, app + "2/.env", ""},
		"out of it":               {me, []string{app}, "../app2/.env", ""},
		"the slash":               {me, []string{"/"}, "/etc/passwd", ""},
		"proc":                    {me, []string{"/proc"}, "/proc/self/environ", ""},
		"below proc":              {Finder{Dir: "/proc/self"}, []string{"/proc/self"}, "environ", ""},
		"dev":                     {Finder{Dir: "/dev"}, []string{"/dev"}, "null", ""},
		"sys":                     {Finder{Dir: "/sys"}, []string{"/sys"}, "x", ""},
		"etc":                     {me, []string{"/etc"}, "/etc/passwd", ""},
		"below a cwd of /":        {Finder{Dir: "/", User: home}, []string{in("srv", "other")}, ".env", ""},
		"below a cwd of /, alone": {Finder{Dir: "/"}, []string{in("srv", "other")}, ".env", ""},
		"below a home of /":       {Finder{Dir: work, User: "/"}, []string{in("srv", "other")}, ".env", ""},
		"a home that leads to /":  {Finder{Dir: work, User: in("slash")}, []string{in("srv", "other")}, ".env", ""},
		"home":                    {me, []string{home}, ".env", ""},
		"above home":              {me, []string{in("people")}, ".env", ""},
		"home, worked in":         {Finder{Dir: home, User: home}, []string{home}, ".env", ""},
		"above home, worked in":   {Finder{Dir: in("people"), User: home}, []string{in("people")}, ".env", ""},
		"beside home":             {Finder{Dir: in("people"), User: home}, []string{in("people", "you")}, ".env", ""},
		"beside the project":      {me, []string{in("srv", "other")}, ".env", ""},
		"akos's own":              {me, []string{own}, ".env", ""},
		"in akos's own":           {me, []string{filepath.Join(own, "keys")}, ".env", ""},
		"above akos's own":        {me, []string{filepath.Join(home, ".local")}, ".env", ""},
		"akos's own, to be made":  {Finder{User: home, Home: filepath.Join(app, "akos")}, []string{app}, ".env", ""},
		"a link out":              {me, []string{filepath.Join(home, "out")}, ".env", ""},
		"a link up":               {me, []string{filepath.Join(home, "up")}, ".env", ""},
		"a link to the slash":     {me, []string{filepath.Join(home, "top")}, "etc/passwd", ""},
		"a link to akos's own":    {me, []string{filepath.Join(home, "keys")}, ".env", ""},
		"a link to nothing":       {me, []string{filepath.Join(home, "broken")}, ".env", ""},
		"a line end in its name":  {me, []string{filepath.Join(home, "c\nd")}, ".env", ""},
		"not there":               {me, []string{filepath.Join(home, "none")}, ".env", ""},
		"a file":                  {me, []string{filepath.Join(app, "file")}, ".env", ""},
		"another's":               {Finder{Dir: foreignWork, User: home}, []string{foreign}, ".env", ""},
		"relative":                {me, []string{"."}, ".env", ""},
		"empty":                   {me, []string{""}, ".env", ""},
		"a zero byte":             {me, []string{app + "\x00"}, ".env", ""},
	} {
		if got := c.f.Root(c.dirs, c.path); got != c.want {
			t.Errorf("%s: Root(%q, %q) = %q, want %q", name, c.dirs, c.path, got, c.want)
		}
	}
}
