package mcpserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"time"

	"example.com/akos/internal/turns"
)

// body reads the body of r, which is owner's. A large one waits for its turn,
// until done is called, so that many of them don't take much memory.
func (h *endpoint) body(w http.ResponseWriter, r *http.Request, owner string) (body []byte, done func(), status int, text string) {
	done = func() {}
	if r.ContentLength > maxLine {
		w.Header().Set("Connection", "close") // it is not read to its end
		return nil, done, http.StatusRequestEntityTooLarge, "a message may have 4 MiB"
	}
	rc := http.NewResponseController(w) // every server of ours has deadlines
	size := int64(512)
	if r.ContentLength > 0 {
		size = min(r.ContentLength, smallBody) + 1
	}
	buf := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := buf.ReadFrom(io.LimitReader(r.Body, smallBody+1))
	if err == nil && buf.Len() > smallBody {
		end := h.large.Take(r.Context(), owner, bodyTime)
		if end == nil {
			turns.Drain(w, r)
			return nil, done, http.StatusServiceUnavailable, "too many large messages are waiting"
		}
		done = func() { runtime.GC(); end() }             // what it leaves is collected before the next one comes
		_ = rc.SetReadDeadline(time.Now().Add(largeTime)) // the wait was ours
		buf.Grow(int(max(r.ContentLength, 4*smallBody)) - buf.Len() + bytes.MinRead)
		_, err = buf.ReadFrom(http.MaxBytesReader(w, r.Body, int64(maxLine-buf.Len())))
	}
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, done, http.StatusRequestEntityTooLarge, "a message may have 4 MiB"
	}
	if err != nil {
		return nil, done, http.StatusBadRequest, "the message ends early, or came too slowly"
	}
	_ = rc.SetReadDeadline(time.Time{}) // the client may wait for an answer as long as it likes
	return buf.Bytes(), done, 0, ""
}
