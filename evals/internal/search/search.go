package search

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// A Searcher finds the forms of canaries in bytes, in one pass.
type Searcher struct {
	forms []form
	// maybe has a bit for each start of a window of eight bytes, where has the
	// windows.
	maybe []uint64
	where map[uint64][]place
	short []form // of less than eight bytes
}

type place struct{ form, at int32 }

const maybeBits = 24

func bit(window uint64) uint64 { return window * 0x9E3779B97F4A7C15 >> (64 - maybeBits) }

// New returns a searcher for canaries.
func New(cs ...Canary) *Searcher {
	s := &Searcher{maybe: make([]uint64, 1<<maybeBits/64), where: map[uint64][]place{}}
	for _, c := range cs {
		s.Add(c)
	}
	return s
}

// Add has s look for c too.
func (s *Searcher) Add(c Canary) {
	for _, f := range forms(c) {
		if f.word || len(f.text) < 8 {
			s.short = append(s.short, f)
			continue
		}
		i := int32(len(s.forms))
		s.forms = append(s.forms, f)
		for at := 0; at+f.least <= len(f.text); at++ {
			w := binary.LittleEndian.Uint64(f.text[at:])
			s.maybe[bit(w)/64] |= 1 << (bit(w) % 64)
			s.where[w] = append(s.where[w], place{i, int32(at)})
		}
	}
}

// Find returns what of the canaries is in data, as "canary as form" once each.
// shown says that data was shown to somebody, and is no binary file.
func (s *Searcher) Find(data []byte, shown bool) (found []string) {
	note := func(f form, at int) {
		text := fmt.Sprintf("%s as %s", f.canary, f.name)
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, text+" at") }) {
			found = append(found, fmt.Sprintf("%s at byte %d", text, at))
		}
	}
	var w uint64
	for i, b := range data {
		w = w>>8 | uint64(b)<<56
		h := bit(w)
		if i < 7 || s.maybe[h/64]>>(h%64)&1 == 0 {
			continue
		}
		for _, p := range s.where[w] {
			f := &s.forms[p.form]
			if bytes.HasPrefix(data[i-7:], f.text[p.at:int(p.at)+f.least]) {
				note(*f, i-7)
			}
		}
	}
	if shown {
		for _, f := range s.short {
			for at := 0; ; {
				n := bytes.Index(data[at:], f.text)
				if n < 0 {
					break
				}
				start, end := at+n, at+n+len(f.text)
				at = start + 1
				if !f.word || (start == 0 || !wordByte(data[start-1])) && (end == len(data) || !wordByte(data[end])) {
					note(f, start)
				}
			}
		}
	}
	return found
}

// Forms returns how many forms s looks for.
func (s *Searcher) Forms() int { return len(s.forms) + len(s.short) }

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_'
}
