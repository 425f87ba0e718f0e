package catalog

import (
	"errors"
	"math"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	// A container or a Windows machine often has no time zones of its own,
	// and then a valid one would be refused. Measured: 410 kB in the binary,
	// nothing at start-up.
	_ "time/tzdata"
)

// A format is a rule that a string of a config must keep. What rule says
// continues "FIELD must be …" and does not depend on the string.
type format struct {
	name, rule string
	pattern    string            // an RE2 regexp between ^ and $; "" if holds says it all
	holds      func(string) bool // nil if the pattern says it all
}

var formats = [...]format{
	{"cron", "a cron expression of five fields that fires some day, such as 0 9 * * 1-5, or a tag such as @daily", "", isCron},
	{"date-version", "an API version such as 2024-06-20 or 2025-03-31.basil", `^\d{4}-\d{2}-\d{2}(\.[a-z]{1,32})?$`, startsWithDate},
	{"email", "one bare e-mail address, such as ops@example.com", "", isEmail},
	{"event", "an event name such as invoice.paid, or *", `^(\*|[A-Za-z0-9_]+([.:/-][A-Za-z0-9_]+)*([.:]\*)?)$`, nil},
	{"github-owner", "a GitHub user or organization", githubOwner + `$`, isGitHubOwner},
	{"github-repo", "a GitHub repository as owner/name", githubOwner + `/[A-Za-z0-9._-]{1,100}$`, isGitHubRepo},
	{"glob", "a glob pattern such as *.md", "", isGlob},
	{"hostname", "a host name or an IP address, without scheme and port", "", isHost},
	{"linear-team", "a Linear team: its UUID, or its key such as ENG", `^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z][A-Z0-9]{0,9})$`, nil},
	{"llm-provider", "the id of a provider of kind llm or local; akos creds list --kind llm shows them", "", isModelProvider},
	{"pagerduty-id", "a PagerDuty id such as PIJ90N7", `^[A-Z0-9]{7,14}$`, nil},
	{"path", "a file path without line breaks", "", func(s string) bool { return !strings.ContainsRune(s, 0) }},
	{"phone", "a phone number in E.164 form, such as +14155550123", "", isPhone},
	{"postgres-slot", "the name of a replication slot: up to 63 of a-z, 0-9 and _", `^[a-z0-9_]{1,63}$`, nil},
	{"s3-bucket", "an S3 bucket name: 3 to 63 of a-z, 0-9, . and -, and none of AWS's reserved forms", `^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`, isBucket},
	{"slack-channel", "a Slack channel id such as C0123456789, or a #name", `^([CDG][A-Z0-9]{8,20}|#[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{N}_-]{1,80})$`, nil},
	{"slack-team", "a Slack workspace or organization id such as T0123456789", `^[TE][A-Z0-9]{8,20}$`, nil},
	{"slug", "a slug: lower-case letters, digits, - and _", `^[a-z0-9][a-z0-9_-]{0,99}$`, nil},
	{"snowflake", "a Discord id: 17 to 20 digits", `^[1-9]\d{16,19}$`, fits64},
	{"stripe-account", "a Stripe account id such as acct_1234567890ABCDEF", `^acct_[A-Za-z0-9]{8,32}$`, nil},
	{"timezone", "an IANA time zone such as Europe/Berlin", `^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`, isTimezone},
	{"twilio-messaging-service", "a Twilio messaging service SID: MG and 32 hex digits", `^MG[0-9a-f]{32}$`, nil},
	{"url", "an http or https URL with a host, without user, password, spaces or fragment", "", isURL},
}

// checkFormat returns an error that continues "FIELD …" if s breaks the format
// called name. An unknown name is a fault in the data, which a test finds.
func checkFormat(name, s string) error {
	if name == "" {
		return nil
	}
	f, ok := find(formatList(), func(f format) bool { return f.name == name })
	if !ok || !f.allows(s) {
		return errors.New("must be " + f.rule)
	}
	return nil
}

func formatList() []format { return formats[:] }

func (f format) allows(s string) bool {
	if f.pattern != "" && !regexp.MustCompile(f.pattern).MatchString(s) {
		return false
	}
	return f.holds == nil || f.holds(s)
}

func startsWithDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	return err == nil
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > 254 {
		return false
	}
	local, host, _ := strings.Cut(s, "@")
	return len(local) <= 64 && isDomain(host)
}

// isURL also refuses a backslash, which browsers read as a slash and which so
// hides the true host.
func isURL(s string) bool {
	if strings.ContainsAny(s, " \\#\"<>^`") {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !isHost(u.Hostname()) {
		return false
	}
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= math.MaxUint16
}

func isHost(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Zone() == ""
	}
	return isDomain(s)
}

// isDomain keeps the rules of RFC 1123 §2.1: labels of 1 to 63 letters, digits
// and inner hyphens, 253 bytes at most, and a last label that is not a number,
// lest a broken IP address pass for a name.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	label := regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	_, err := strconv.ParseUint(labels[len(labels)-1], 0, 64)
	return err != nil && len(s) <= 253
}

func isGlob(s string) bool {
	_, err := path.Match(s, "")
	return err == nil
}

// isTimezone refuses Local, which is another zone on another machine. The
// pattern already refuses posix/UTC, localtime and paths, which are not names
// of zones either, though Linux finds them.
func isTimezone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "Local"
}
