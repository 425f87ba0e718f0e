package state

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"example.com/akos/workspace"
)

// FuzzSurvey reads logs and pages that anybody could have put there.
func FuzzSurvey(f *testing.F) {
	db := New(f.TempDir())
	for range 3 {
		if err := db.Write(f.Context(), func(tx workspace.Tx) error { return tx.Audit(workspace.Event{Op: "seed"}) }); err != nil {
			f.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(db.path())
	if err != nil {
		f.Fatal(err)
	}
	root := int(binary.BigEndian.Uint32(good[68:]))
	page := good[(root-1)*4096 : root*4096]
	st, ok := parseStamp(page)
	if !ok || st.now == (mark{}) || st.before == (mark{}) || st.now == st.before {
		f.Fatalf("the page of the stamp is not read: %v %v", st, ok)
	}
	log := make([]byte, 32+24)
	binary.BigEndian.PutUint32(log, 0x377f0682)
	binary.BigEndian.PutUint32(log[8:], 4096)
	binary.BigEndian.PutUint32(log[32:], uint32(root))
	binary.BigEndian.PutUint32(log[36:], 1)
	log = append(log, page...)
	whole := survey{own: st.before}
	if err := whole.read(bytes.NewReader(log), int64(len(log))); err != nil || len(whole.log) != 1 || whole.log[0].end != 1 || whole.tied() != nil {
		f.Fatalf("the log is not read: %+v %v", whole, err)
	}
	// What comes after it has another salt, or no commit.
	for _, salt := range []byte{0, 1} {
		next := bytes.Clone(log[32:])
		next[8], next[4], next[7] = salt, salt, salt
		more := whole
		more.log = nil
		if err := more.read(bytes.NewReader(append(bytes.Clone(log), next...)), int64(len(log)+len(next))); err != nil || len(more.log) != 1 {
			f.Fatalf("salt %d: %+v %v", salt, more, err)
		}
	}
	// A commit that is being written out does not count yet.
	for seen, want := range map[mark]error{st.before: nil, st.now: errReplaced} {
		if err := whole.shows(index{known: true}, seen); err != want {
			f.Fatalf("%x: %v", seen, err)
		}
		if err := whole.shows(index{known: true, frames: 1, salt: whole.salt}, seen); (err == nil) != (want != nil) {
			f.Fatalf("%x: %v", seen, err)
		}
	}
	if err := whole.shows(index{known: true, frames: 1, salt: [8]byte{1}}, st.now); err != errReplaced {
		f.Fatalf("the index of another log: %v", err)
	}
	f.Add(log, page)
	f.Add(log[:40], page[4000:])
	f.Fuzz(func(t *testing.T, log, page []byte) {
		parseStamp(page)
		var s survey
		if err := s.read(bytes.NewReader(log), int64(len(log))); err != nil {
			t.Error(err)
		}
		_, _ = s.tied(), s.shows(index{}, s.own)
		for _, e := range s.log {
			if e.end < 1 || e.end > len(log)/(24+512) {
				t.Errorf("a transaction ends with frame %d", e.end)
			}
		}
	})
}
