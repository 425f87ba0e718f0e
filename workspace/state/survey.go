package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

var (
	errForeignLog = errors.New("state: the log is not of this database")
	errReplaced   = errors.New("state: another process has a database open that was here before")
)

// A survey is what lies on the disk, read without SQLite: to open a database
// there is to replay the log. While others write, it need not be of one moment.
type survey struct {
	pages uint32  // of the database
	own   mark    // the mark of the database without its log; zero if it has none
	log   []entry // of the transactions in the log that have a stamp
	salt  [8]byte // of the log
}

// An entry is a transaction in a log.
type entry struct {
	stamp
	end int // the number of its last frame
}

// look surveys the database at path and its log.
func look(path string) (s survey, err error) {
	db, size, err := openFile(path)
	if err != nil {
		return s, err
	}
	defer db.Close()
	// https://sqlite.org/fileformat2.html#the_database_header
	head := make([]byte, 100)
	if _, err := db.ReadAt(head, 0); err != nil || string(head[:16]) != "SQLite format 3\x00" {
		return s, damaged{errors.Join(errors.New("it has no header"), err)}
	}
	width := int64(binary.BigEndian.Uint16(head[16:]))
	if width == 1 {
		width = 64 << 10
	}
	if width < 512 {
		return s, damaged{fmt.Errorf("its pages have %d bytes", width)}
	}
	s.pages = uint32(size / width)
	if root := int64(binary.BigEndian.Uint32(head[68:])); root > 0 {
		if s.own, err = find(db, root, int64(s.pages), width); err != nil {
			return s, err
		}
	}
	log, size, err := openFile(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer log.Close()
	return s, s.read(log, size)
}

// find returns the mark of the database. It is on the page that the header
// names, unless another program has moved it.
func find(db io.ReaderAt, root, pages, width int64) (mark, error) {
	page := make([]byte, width)
	for i := range pages + 1 {
		at := i
		if i == 0 {
			at = root
		}
		if _, err := db.ReadAt(page, (at-1)*width); cut(err) != nil {
			return mark{}, err
		}
		if st, ok := parseStamp(page); ok {
			return st.now, nil
		}
	}
	return mark{}, nil
}

// read takes the stamps from the log, but not those at its end that no commit
// follows. The sums of the frames are not verified: those with the salt of
// the header were written for the same database.
// https://sqlite.org/fileformat2.html#the_write_ahead_log
func (s *survey) read(log io.ReaderAt, size int64) error {
	var head [32]byte
	if _, err := log.ReadAt(head[:], 0); err != nil {
		return cut(err)
	}
	width := int64(binary.BigEndian.Uint32(head[8:]))
	if binary.BigEndian.Uint32(head[:])&^1 != 0x377f0682 || width < 512 || width > 64<<10 {
		return nil // SQLite takes it for empty
	}
	const frameHead = 24
	copy(s.salt[:], head[16:])
	frame := make([]byte, frameHead+width)
	var begun []stamp
	frames := 0
	for at := int64(len(head)); at+int64(len(frame)) <= size; at += int64(len(frame)) {
		if _, err := log.ReadAt(frame, at); err != nil {
			return cut(err)
		}
		if string(frame[8:16]) != string(head[16:24]) {
			return nil // of an earlier log in the same file
		}
		frames++
		// On whatever page: in another database it can be on another.
		if st, ok := parseStamp(frame[frameHead:]); ok {
			begun = append(begun, st)
		}
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			for _, st := range begun {
				s.log = append(s.log, entry{st, frames})
			}
			begun = nil
		}
	}
	return nil
}

// cut takes the end of a file, which moves while somebody writes, for no error.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// at returns which of the marks that the database had while this log was
// written m is; 0 is the one from which the log starts.
func (s survey) at(m mark) (int, bool) {
	if len(s.log) > 0 && s.log[0].before == m {
		return 0, true
	}
	i := slices.IndexFunc(s.log, func(e entry) bool { return e.now == m })
	return i + 1, i >= 0
}

// settle repeats a look at files that others may be writing to until it finds
// them as they must be, or is sure that they are not.
func settle(ctx context.Context, look func() error) error {
	for try := 0; ; try++ {
		err := look()
		if try == 20 || !errors.Is(err, errForeignLog) && !errors.Is(err, errReplaced) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tied returns errForeignLog if the log belongs to another database. One
// without any stamp is not of akos, or older than the stamps: somebody changed
// the state with another program, and akos can't know more of it.
func (s survey) tied() error {
	if _, ok := s.at(s.own); ok || len(s.log) == 0 {
		return nil
	}
	return errForeignLog
}

// An index is what the processes that have a database open agreed on about its
// log. https://sqlite.org/walformat.html#the_wal_index_header
type index struct {
	known  bool
	frames int // of the log that count
	pages  uint32
	salt   [8]byte
}

// readIndex reads the index beside the database at path. Not every system
// keeps it in that file.
func readIndex(path string) (x index, err error) {
	f, _, err := openFile(path + "-shm")
	if errors.Is(err, fs.ErrNotExist) {
		return x, nil
	}
	if err != nil {
		return x, err
	}
	defer f.Close()
	var head [48]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || head[12] == 0 {
		return x, cut(err)
	}
	x = index{known: true, frames: int(binary.NativeEndian.Uint32(head[16:])), pages: binary.NativeEndian.Uint32(head[20:])}
	copy(x.salt[:], head[32:])
	return x, nil
}

// shows returns an error if SQLite, in a transaction that reads and in which x
// and then the survey were made, sees another database than lies there. seen
// is the mark that SQLite finds. It does so where the index is still that of a
// database that was here before.
func (s survey) shows(x index, seen mark) error {
	if err := s.tied(); err != nil {
		return err
	}
	if x.known && (x.frames == 0 && x.pages > 0 && x.pages != s.pages || x.frames > 0 && x.salt != s.salt) {
		return errReplaced
	}
	// The log can have more than counts: while a commit is written out, for as
	// long as the disk takes.
	want, at := s.own, 0
	for i, e := range s.log {
		if !x.known || e.end <= x.frames {
			want, at = e.now, i+1
		}
	}
	if seen != want {
		return errReplaced
	}
	if own, _ := s.at(s.own); own > at && x.frames > 0 {
		return damaged{errors.New("the log ends before what was folded back from it")}
	}
	return nil
}

// openFile opens a file that can't keep its reader waiting. That it is closed
// again takes no lock from SQLite, whose locks are of its own open files and
// not of the process.
func openFile(path string) (*os.File, int64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, damaged{fmt.Errorf("%s is not a regular file", path)}
	}
	f, err := os.Open(path)
	return f, info.Size(), err
}
