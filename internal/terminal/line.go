package terminal

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"example.com/akos/workspace"
)

// maxLine is the longest answer in bytes; what a terminal's own line editing
// takes is less.
const maxLine = 64 << 10

// Line asks for one line, which is shown while it is typed, and returns it
// without its line end. It may be empty. The end of the input is Canceled.
func (t *Terminal) Line(ctx context.Context, prompt string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tty.flush()
	return t.line(ctx, prompt)
}

func (t *Terminal) line(ctx context.Context, prompt string) (string, error) {
	if err := t.show(clean(prompt)); err != nil {
		return "", err
	}
	var line []byte
	buf := make([]byte, 4096)
	for len(line) <= maxLine {
		p, err := t.next(ctx, buf, 0)
		if err != nil {
			t.tty.flush() // the rest of what was typed is not for the shell
			_ = t.show("\n")
			return "", err
		}
		line = append(line, p...)
		if end := strings.IndexByte(string(line), '\n'); end >= 0 {
			return strings.TrimSuffix(string(line[:end]), "\r"), nil
		}
	}
	t.tty.flush()
	return "", workspace.Errorf(workspace.Invalid, "the answer is over %d KiB", maxLine>>10)
}

// Confirm asks a question whose answer is no unless it is y or yes.
func (t *Terminal) Confirm(ctx context.Context, prompt string) (bool, error) {
	answer, err := t.Line(ctx, prompt+" [y/N] ")
	if err != nil {
		return false, err
	}
	answer = strings.TrimSpace(answer)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), nil
}

// Choose asks for one of options, by its number in the list or by its name,
// and returns its index. After three answers that are neither it is Invalid.
func (t *Terminal) Choose(ctx context.Context, prompt string, options []string) (int, error) {
	if len(options) == 0 {
		return 0, workspace.Errorf(workspace.Invalid, "there is nothing to choose from")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tty.flush()
	var list strings.Builder
	width := len(strconv.Itoa(len(options)))
	fmt.Fprintf(&list, "%s\n", prompt)
	for i, option := range options {
		fmt.Fprintf(&list, "  %*d  %s\n", width, i+1, option)
	}
	if err := t.show(clean(list.String())); err != nil {
		return 0, err
	}
	ask := "Number or name: "
	for range 3 {
		answer, err := t.line(ctx, ask)
		if err != nil {
			return 0, err
		}
		if i, ok := pick(strings.TrimSpace(answer), options); ok {
			return i, nil
		}
		ask = fmt.Sprintf("Not in the list. A number from 1 to %d, or a name: ", len(options))
	}
	return 0, workspace.Errorf(workspace.Invalid, "the answer is not in the list")
}

func pick(answer string, options []string) (int, bool) {
	if n, err := strconv.Atoi(answer); err == nil && 1 <= n && n <= len(options) {
		return n - 1, true
	}
	for i, option := range options {
		if strings.EqualFold(answer, option) {
			return i, true
		}
	}
	return 0, false
}
