package catalog

import (
	"regexp"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

const (
	cronNumber = `(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,3})?`
	cronMonth  = `(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)`
	cronDay    = `(SUN|MON|TUE|WED|THU|FRI|SAT)`
	maxCron    = 256 // bytes
)

// cronItems are the patterns of one item of each field's comma-separated list.
var cronItems = [5]string{
	`^(` + cronNumber + `)$`,
	`^(` + cronNumber + `)$`,
	`^(` + cronNumber + `|\?|L|[0-9]{1,2}W)$`,
	`^(` + cronNumber + `|` + cronMonth + `(-` + cronMonth + `)?)$`,
	`^(` + cronNumber + `|\?|` + cronDay + `(-` + cronDay + `)?|[0-7]L|[0-7]#[1-5])$`,
}

// isCron reports whether s is a cron expression of five fields, or a tag.
//
// The values are gronx's to judge, the form is ours: gronx takes a sixth field
// for seconds or a year, reads no further in a list than the first item that
// is due (so it accepts garbage behind it, at some minutes), drops what
// follows a range ("1-5-9"), and takes names anywhere ("SUNMON" is 01).
func isCron(s string) bool {
	if strings.HasPrefix(s, "@") {
		switch s {
		case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly":
			return true
		}
		return false
	}
	fields := strings.Split(s, " ")
	if len(fields) != len(cronItems) || len(s) > maxCron {
		return false
	}
	// A fixed time, so that the answer is the same at all times. Its year has
	// a 29 February.
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, field := range fields {
		form := regexp.MustCompile(cronItems[i])
		for item := range strings.SplitSeq(strings.ToUpper(field), ",") {
			if !form.MatchString(item) {
				return false
			}
			alone := [5]string{"*", "*", "*", "*", "*"}
			alone[i] = item
			if _, err := gronx.New().IsDue(strings.Join(alone[:], " "), at); err != nil {
				return false
			}
		}
	}
	// "0 0 31 2 *" is well formed and never fires.
	_, err := gronx.NextTickAfter(s, at, true)
	return err == nil
}
