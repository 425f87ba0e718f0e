package catalog

// A form is a credential that its vendor marks: a fixed start and then a tail.
type form struct {
	mark    string
	also    string   // what the tail may have beside letters and digits
	letters alphabet // which letters and digits
	min     int      // bytes of the shortest tail
	max     int      // bytes of the longest; 0: any
	run     int      // so many letters and digits without a break convince
	digits  int      // so many digits convince; 0: none do
}

type alphabet uint8

const (
	base62 alphabet = iota // 0-9 a-z A-Z
	upper                  // 0-9 A-Z
	hex                    // 0-9 a-f
)

// forms are the marked credentials. The lengths are below those of real ones:
// a vendor may shorten or lengthen its keys, and a name does not come near.
var forms = [...]form{
	// Our own.
	{mark: "akos_at_", also: "-_", min: 40, run: 8},
	{mark: "akos_rt_", also: "-_", min: 40, run: 8},
	{mark: "akos_pt_", also: "-_", min: 40, run: 8},

	// Models.
	{mark: "sk-ant-", also: "-_", min: 20, run: 16},
	{mark: "sk-proj-", also: "-_", min: 20, run: 16},
	{mark: "sk-svcacct-", also: "-_", min: 20, run: 16},
	{mark: "sk-admin-", also: "-_", min: 20, run: 16},
	{mark: "sk-or-", also: "-_", min: 20, run: 16},
	{mark: "sk-", also: "-_", min: 20, run: 24},
	{mark: "AIza", also: "-_", min: 30, run: 16},
	{mark: "AQ.", also: "-_.", min: 30, run: 16}, // Google's, since 2026 in the place of AIza
	{mark: "ya29.", also: "-_.", min: 20, run: 16},
	{mark: "GOCSPX-", also: "-_", min: 20, run: 16},
	{mark: "gsk_", min: 20, run: 24},
	{mark: "xai-", min: 20, run: 24},
	{mark: "pplx-", min: 20, run: 24},
	{mark: "hf_", min: 20, run: 24},
	{mark: "nvapi-", also: "-_", min: 30, run: 24},
	{mark: "ABSK", also: "+/=", min: 60, run: 16}, // a long-term key of Bedrock

	// Code and packages.
	{mark: "ghp_", min: 16, run: 16},
	{mark: "gho_", min: 16, run: 16},
	{mark: "ghu_", min: 16, run: 16},
	{mark: "ghs_", also: "-_.", min: 16, run: 16},
	{mark: "ghr_", min: 16, run: 16},
	{mark: "github_pat_", also: "_", min: 20, run: 16},
	{mark: "glpat-", also: "-_.", min: 16, run: 16},
	{mark: "npm_", min: 20, run: 24},
	{mark: "pypi-AgE", also: "-_", min: 40, run: 16},
	{mark: "dckr_pat_", also: "-_", min: 20, run: 16},
	{mark: "lin_api_", min: 16, run: 16},
	{mark: "lin_oauth_", min: 16, run: 16},
	{mark: "lin_wh_", min: 16, run: 16},
	{mark: "ntn_", min: 20, run: 24},
	{mark: "ATATT3", also: "-_=", min: 40, run: 16},

	// Messages.
	{mark: "xoxa-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxb-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxe-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxe.", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxo-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxp-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxr-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xoxs-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "xapp-", also: "-", min: 10, run: 16, digits: 10},
	{mark: "hooks.slack.com/services/", also: "/", min: 20, run: 16},
	{mark: "hooks.slack.com/workflows/", also: "/", min: 20, run: 16},
	{mark: "hooks.slack.com/triggers/", also: "/", min: 20, run: 16},
	{mark: "discord.com/api/webhooks/", also: "/-_", min: 40, run: 16},
	{mark: "discordapp.com/api/webhooks/", also: "/-_", min: 40, run: 16},
	{mark: "discord.com/api/v10/webhooks/", also: "/-_", min: 40, run: 16},
	{mark: ".webhook.office.com/webhookb2/", also: "/-@", min: 40, run: 16},
	{mark: "SG.", also: "-_.", min: 40, run: 16},
	{mark: "AC", letters: hex, min: 32, max: 32, run: 32}, // Twilio: an account
	{mark: "SK", letters: hex, min: 32, max: 32, run: 32}, // Twilio: an API key

	// Payments and operations.
	{mark: "sk_live_", min: 16, run: 16},
	{mark: "sk_test_", min: 16, run: 16},
	{mark: "rk_live_", min: 16, run: 16},
	{mark: "rk_test_", min: 16, run: 16},
	{mark: "whsec_", also: "+/=", min: 16, run: 16},
	{mark: "shpat_", min: 24, run: 24},
	{mark: "shpss_", min: 24, run: 24},
	{mark: "sntrys_", also: "+/=_", min: 20, run: 16},
	{mark: "sntryu_", min: 20, run: 20},
	{mark: "sntrya_", min: 20, run: 20},
	{mark: "pdus+", also: "-_", min: 20, run: 16}, // PagerDuty: a scoped token
	{mark: "pdeu+", also: "-_", min: 20, run: 16},
	{mark: "u+", also: "-_", min: 18, max: 18, run: 16, digits: 4}, // PagerDuty: a user's
	{mark: "glsa_", also: "_", min: 24, run: 24},
	{mark: "glc_", also: "+/=", min: 32, run: 24},
	{mark: "tskey-", also: "-", min: 20, run: 16},

	// Clouds and vaults.
	{mark: "AKIA", letters: upper, min: 16, max: 16, run: 16},
	{mark: "ASIA", letters: upper, min: 16, max: 16, run: 16},
	{mark: "AccountKey=", also: "+/=", min: 40, run: 16}, // Azure storage
	{mark: "dop_v1_", min: 32, run: 32},
	{mark: "hvs.", also: "-_", min: 20, run: 16},
	{mark: "hvb.", also: "-_", min: 20, run: 16},
	{mark: "ops_eyJ", also: "-_+/=", min: 40, run: 16}, // 1Password
	{mark: "AGE-SECRET-KEY-1", letters: upper, min: 20, run: 20},
	{mark: "AGE-SECRET-KEY-PQ-1", letters: upper, min: 20, run: 20},
}
