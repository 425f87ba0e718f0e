package catalog

import (
	"net/netip"
	"strconv"
	"strings"
)

// githubOwner is the pattern of an owner: letters, digits and single inner
// hyphens, and for managed users an underscore and their company's short code.
// Its length is checked apart: RE2 has no look-ahead.
const githubOwner = `^[A-Za-z0-9]+(-[A-Za-z0-9]+)*(_[A-Za-z0-9]{1,8})?`

func isGitHubOwner(s string) bool { return len(s) <= 39 }

func isGitHubRepo(s string) bool {
	owner, name, _ := strings.Cut(s, "/")
	lower := strings.ToLower(name)
	return isGitHubOwner(owner) && name != "." && name != ".." &&
		!strings.HasSuffix(lower, ".git") && !strings.HasSuffix(lower, ".wiki")
}

// isBucket keeps the rest of AWS's rules for general purpose buckets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func isBucket(s string) bool {
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(s, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(s, suffix) {
			return false
		}
	}
	_, err := netip.ParseAddr(s)
	return err != nil && !strings.Contains(s, "..")
}

func fits64(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

func isModelProvider(id string) bool {
	p, ok := LookupProvider(id)
	return ok && (p.Kind == "llm" || p.Kind == "local")
}

// callingCodes are the country codes of ITU-T E.164, as assigned in 2026. None
// is the start of another.
const callingCodes = " 1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58" +
	" 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226" +
	" 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251" +
	" 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352" +
	" 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389" +
	" 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672" +
	" 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 855" +
	" 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976" +
	" 977 979 992 993 994 995 996 998 "

// isPhone reports whether s is + and 7 to 15 digits that start with a country
// code. It does not know the numbering plans of the countries: the library
// that does, nyaruka/phonenumbers, adds 5.4 MB to the binary and 30.5 million
// instructions to every start, ten times what "akos version" may cost in all.
func isPhone(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	if !plus || len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	for n := 1; n <= 3; n++ {
		if strings.Contains(callingCodes, " "+digits[:n]+" ") {
			return true
		}
	}
	return false
}
