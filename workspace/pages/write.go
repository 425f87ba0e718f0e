package pages

import (
	"bytes"
	"net/http"
)

// Write answers with a page. It sets every header that a page needs; the
// caller sets cookies before.
func Write(w http.ResponseWriter, status int, p Page) {
	page := bytes.NewBufferString("<!DOCTYPE html>\n")
	err := layout(p).Render(page)
	protect(w.Header(), styleSource(), p)
	if err != nil {
		// Half a page could ask half a question.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("akos could not show this page.\n"))
		return
	}
	page.WriteByte('\n')
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}
