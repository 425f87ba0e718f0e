package entry

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"example.com/akos/workspace"
)

// maxText bounds the lines that a browser sends for one value: each line end
// has two bytes on the way.
const maxText = 2 * workspace.MaxValue

// A problem is what the person is told who sent a form.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return p.text }

func refused(format string) problem {
	return problem{http.StatusUnprocessableEntity, format + ", so nothing was stored."}
}

// An input is what a form holds.
type input struct {
	declined bool
	values   []workspace.Secret // one a key
}

// read reads the form for keys. It writes nothing to a disk, as the library's
// own reading of forms would, and clears what it read.
func read(w http.ResponseWriter, r *http.Request, keys []workspace.EntryKey) (input, error) {
	r.Body = http.MaxBytesReader(w, r.Body, int64(len(keys))*(maxText+2*workspace.MaxValue)+64<<10)
	parts, err := r.MultipartReader()
	if err != nil {
		return input{}, problem{http.StatusUnsupportedMediaType, "The form came in another format than the page's, so nothing was stored."}
	}
	found := make([][]byte, len(keys))
	defer func() {
		for _, b := range found {
			clear(b)
		}
	}()
	for range 3*len(keys) + 2 {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return collect(keys, found)
		}
		if err != nil {
			return input{}, tooLarge(err)
		}
		field, n, ok := strings.Cut(part.FormName(), "-")
		if field == "decision" {
			return input{declined: true}, nil // nothing else counts then
		}
		i, err := strconv.Atoi(n)
		if !ok || err != nil || i < 0 || i >= len(keys) {
			return input{}, errors.New("entry: a field that the page has not")
		}
		limit := workspace.MaxValue
		if field == "text" {
			limit = maxText
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(io.LimitReader(part, int64(limit)+1))
		v := b.Bytes()
		switch {
		case err != nil:
			clear(v)
			return input{}, tooLarge(err)
		case field == "text":
			// A browser sends each line end of a text area as CR LF (HTML
			// "constructing the entry list").
			v = bytes.ReplaceAll(v, []byte("\r\n"), []byte("\n"))
			clear(b.Bytes())
		case field != "line" && field != "file":
			return input{}, errors.New("entry: a field that the page has not")
		}
		switch {
		case len(v) == 0 && field == "file" && part.FileName() != "":
			return input{}, refused("The file for " + keys[i].Key + " is empty")
		case len(v) == 0:
		case len(v) > workspace.MaxValue:
			clear(v)
			return input{}, problem{http.StatusRequestEntityTooLarge, "The value of " + keys[i].Key + " is over 1 MiB, so nothing was stored."}
		case found[i] != nil:
			clear(v)
			return input{}, refused("There are two values for " + keys[i].Key)
		default:
			found[i] = v
		}
	}
	return input{}, errors.New("entry: more fields than the page has")
}

func collect(keys []workspace.EntryKey, found [][]byte) (input, error) {
	var in input
	for i, k := range keys {
		if found[i] == nil {
			return input{}, refused("No value was entered for " + k.Key)
		}
		in.values = append(in.values, workspace.NewSecret(found[i]))
	}
	return in, nil
}

// tooLarge tells a form that is too large from one that broke off.
func tooLarge(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return problem{http.StatusRequestEntityTooLarge, "That is over 1 MiB, so nothing was stored."}
	}
	return errors.New("entry: the form can't be read") // what read it quotes what it read
}
