// Command run puts the plays of the evals on and judges them. It exits 1 if
// one fails, and 2 if it can't be run.
//
//	go run ./evals/run                      all, and the control
//	go run ./evals/run -o out.json -run login
//	go run ./evals/run -server "other --stdio" -run 'attacks/(malformed|nested|huge)'
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/akos/evals/internal/play"
)

func main() {
	code, err := run(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "evals:", err)
	}
	os.Exit(code)
}

func run(out io.Writer) (code int, err error) {
	file := flag.String("o", "", "write the results as JSON to this `file`, too")
	match := flag.String("run", "", "only names that match this regular `expression`")
	server := flag.String("server", "", "judge the server that this `command` starts, in place of akos-mcp; without the control")
	bin := flag.String("bin", "", "`directory` with akos and akos-mcp (default: they are built)")
	root := flag.String("dir", "evals", "`directory` with tasks, attacks and control")
	atOnce := flag.Int("parallel", 3, "how many at one time")
	verbose := flag.Bool("v", false, "show what the agents saw, too")
	flag.Parse()
	re, err := regexp.Compile(*match)
	if err != nil {
		return 2, err
	}
	plays, err := play.Load(*root, "tasks", "attacks", "control")
	if err != nil {
		return 2, err
	}
	built, err := os.MkdirTemp("", "akos-evals-bin")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(built)
	packages := []string{"./evals/leaky"}
	if *bin == "" {
		packages = append(packages, "./cmd/akos", "./cmd/akos-mcp")
	}
	build := exec.Command("go", append([]string{"build", "-o", built + string(filepath.Separator)}, packages...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return 2, fmt.Errorf("%w: %s", err, text)
	}
	o := &play.Options{Bin: built, Server: strings.Fields(*server)}
	if *verbose {
		o.Log = out
	}
	if *bin != "" {
		if o.Bin, err = filepath.Abs(*bin); err != nil {
			return 2, err
		}
	}
	i := slices.IndexFunc(plays, func(p *play.Play) bool { return strings.HasPrefix(p.Name, "control/") })
	control := plays[i]
	plays = slices.DeleteFunc(slices.Delete(plays, i, i+1), func(p *play.Play) bool { return !re.MatchString(p.Name) })
	results := play.Run(o, plays, *atOnce)
	if *server == "" && re.MatchString(control.Name) {
		more, err := play.Control(o, control, filepath.Join(built, "leaky"), *atOnce)
		if err != nil {
			return 2, err
		}
		results = append(results, more...)
	}
	if err := play.Table(out, results); err != nil {
		return 2, err
	}
	if *file != "" {
		f, err := os.Create(*file)
		if err != nil {
			return 2, err
		}
		if err := play.JSON(f, results); err != nil {
			return 2, err
		}
		if err := f.Close(); err != nil {
			return 2, err
		}
	}
	if !play.Passed(results) {
		return 1, nil
	}
	return 0, nil
}
