package play

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/evals/internal/search"
)

// A Result is what came of a play.
type Result struct {
	Name     string    `json:"name"`
	Over     string    `json:"over"` // the transport
	Title    string    `json:"title"`
	Passed   bool      `json:"passed"`
	Calls    int       `json:"calls"` // of the agent
	Bytes    int       `json:"bytes"` // that the agent saw
	MS       int64     `json:"ms"`
	Problems []Problem `json:"problems,omitempty"`
}

// prepare makes what all plays share.
func (o *Options) prepare() {
	if o.judge == nil {
		o.logging, o.values = &sync.Mutex{}, Planted()
		o.judge = judge{search.New(o.values.All()...)}
	}
}

// Run puts plays on over each of their transports, a few at a time, and returns
// what came of them in their order. Another server than akos-mcp is one on
// stdio.
func Run(o *Options, plays []*Play, atOnce int) (results []Result) {
	o.prepare()
	var each []func() Result
	var wait []time.Duration
	for _, p := range plays {
		for _, over := range p.Over {
			if len(o.Server) == 0 || over == "stdio" {
				each, wait = append(each, func() Result { return o.one(p, over) }), append(wait, p.wait)
			}
		}
	}
	return atATime(atOnce, each, wait)
}

// atATime does all of list, and returns the results in their order. What waits
// longest is begun first, or the rest would be done while it still waits.
func atATime(n int, list []func() Result, wait []time.Duration) []Result {
	results := make([]Result, len(list))
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	if wait != nil {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(wait[b], wait[a]) })
	}
	places := make(chan struct{}, max(1, n))
	var all sync.WaitGroup
	for _, i := range order {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			results[i] = list[i]()
		})
	}
	all.Wait()
	return results
}

// one puts one play on over a transport, and judges it.
func (o *Options) one(p *Play, over string) Result {
	start := time.Now()
	r := Result{Name: p.Name, Over: over, Title: p.Title}
	fail := func(where string, err error) {
		if err != nil {
			r.Problems = append(r.Problems, Problem{where, strings.ReplaceAll(err.Error(), "\n", "\\n")})
		}
	}
	s, err := newStage(o, p, over)
	if err == nil {
		err = s.put()
	}
	fail("play", err)
	if s != nil {
		fail("end", s.close())
		j := o.judge
		if len(s.tokens) > 0 {
			j = append(slices.Clip(j), search.New(s.tokens...))
		}
		r.Problems = append(r.Problems, j.leaks(s.seen)...)
		for _, leak := range j.leaks(s.aside) {
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
	_, _ = fmt.Fprintf(o.Log, "== %s over %s\n", p.Name, s.over) // it is for whoever writes a file
	for _, seen := range s.seen.All() {
		_, _ = fmt.Fprintf(o.Log, "-- %s\n%s\n", seen.Where, bytes.TrimSpace(seen.Data[:min(len(seen.Data), 2000)]))
	}
}

// A Leak is one that a control has, and by what it must be known.
type Leak struct{ Name, Over, Where, What string }

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
	var each []func() Result
	for _, l := range append([]Leak{{Over: "stdio"}, {Over: "http"}}, leaks...) {
		each = append(each, func() Result {
			with := *o
			with.Server = []string{leaky, "-leak", l.Name}
			r := with.one(p, l.Over)
			r.Name, r.Title = "control/"+l.Name, "A leak of this kind is found"
			if l.Name == "" {
				r.Name, r.Title = "control/none", "Without a leak nothing is found"
			} else {
				r.Problems = l.missed(r.Problems)
				r.Passed = len(r.Problems) == 0
			}
			return r
		})
	}
	return atATime(atOnce, each, nil), nil
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
