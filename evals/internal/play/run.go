package play

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"example.com/akos/evals/internal/search"
)

// A Result is what came of a play.
type Result struct {
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	Passed   bool      `json:"passed"`
	Calls    int       `json:"calls"` // of the agent
	Bytes    int       `json:"bytes"` // that the agent saw
	MS       int64     `json:"ms"`
	Problems []Problem `json:"problems,omitempty"`
}

// prepare makes what all plays share.
func (o *Options) prepare() {
	if o.judge.Searcher == nil {
		o.logging, o.values = &sync.Mutex{}, Planted()
		o.judge = judge{search.New(o.values.All()...)}
	}
}

// Run puts plays on, a few at a time, and returns what came of them in their
// order.
func Run(o *Options, plays []*Play, atOnce int) []Result {
	o.prepare()
	results := make([]Result, len(plays))
	places := make(chan struct{}, max(1, atOnce))
	var all sync.WaitGroup
	for i, p := range plays {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			results[i] = o.one(p)
		})
	}
	all.Wait()
	return results
}

// one puts one play on and judges it.
func (o *Options) one(p *Play) Result {
	start := time.Now()
	r := Result{Name: p.Name, Title: p.Title}
	fail := func(where string, err error) {
		if err != nil {
			r.Problems = append(r.Problems, Problem{where, strings.ReplaceAll(err.Error(), "\n", "\\n")})
		}
	}
	s, err := newStage(o, p)
	if err == nil {
		err = s.put()
	}
	fail("play", err)
	if s != nil {
		fail("end", s.close())
		r.Problems = append(r.Problems, o.judge.leaks(s.seen)...)
		for _, leak := range o.judge.leaks(s.aside) {
			r.Problems = append(r.Problems, Problem{"beside the agent, " + leak.Where, leak.What})
		}
		if o.Log != nil {
			o.log(p, s)
		}
		r.Calls = s.calls
		for _, seen := range s.seen.All() {
			r.Bytes += len(seen.Data)
		}
	}
	r.Passed, r.MS = len(r.Problems) == 0, time.Since(start).Milliseconds()
	return r
}

// log writes what the agent of a play saw.
func (o *Options) log(p *Play, s *stage) {
	o.logging.Lock()
	defer o.logging.Unlock()
	_, _ = fmt.Fprintf(o.Log, "== %s\n", p.Name) // it is for whoever writes a file
	for _, seen := range s.seen.All() {
		_, _ = fmt.Fprintf(o.Log, "-- %s\n%s\n", seen.Where, bytes.TrimSpace(seen.Data[:min(len(seen.Data), 2000)]))
	}
}

// A Leak is one that a control has, and by what it must be known.
type Leak struct{ Name, Where, What string }

// Control puts the control's play on with a leaky server: once without a leak,
// which must pass, and once with each, which must be found for what it is.
func Control(o *Options, p *Play, leaky string, atOnce int) ([]Result, error) {
	o.prepare()
	out, err := exec.Command(leaky, "-list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", leaky, err)
	}
	var leaks []Leak
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&leaks); err != nil {
		return nil, err
	}
	results := make([]Result, len(leaks)+1)
	places := make(chan struct{}, max(1, atOnce))
	var all sync.WaitGroup
	for i, l := range append([]Leak{{}}, leaks...) {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			with := *o
			with.Server = []string{leaky, "-leak", l.Name}
			r := with.one(p)
			r.Name, r.Title = "control/"+l.Name, "A leak of this kind is found"
			if l.Name == "" {
				r.Name, r.Title = "control/none", "Without a leak nothing is found"
			} else {
				r.Problems = l.missed(r.Problems)
				r.Passed = len(r.Problems) == 0
			}
			results[i] = r
		})
	}
	all.Wait()
	return results, nil
}

// missed returns what is wrong if the leak is not among what was found, or is
// not all.
func (l Leak) missed(found []Problem) (wrong []Problem) {
	hit := false
	for _, p := range found {
		if strings.Contains(p.Where+": "+p.What, l.Where) && strings.Contains(p.What, l.What) {
			hit = true
		}
	}
	if !hit {
		wrong = append(wrong, Problem{"control", fmt.Sprintf("the leak was not found as %q in %q; found: %v", l.What, l.Where, found)})
	}
	return wrong
}
