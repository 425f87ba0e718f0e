package vault

// NewOSKeychain returns the keychain of this OS, which without a variable
// looks for its bus at busSocket and not in this user's real session.
func NewOSKeychain(lookupEnv func(string) (string, bool), busSocket string) Keychain {
	k := newOSKeychain(lookupEnv).(osKeychain)
	k.busSocket = busSocket
	return k
}

// MaxAsking is how many calls may hang at once.
const MaxAsking = maxAsking

// CheckParams reports what is wrong with the parameters of a passphrase.
func CheckParams(data []byte) error {
	_, err := parseParams(data)
	return err
}

// OnStretch has f called whenever a passphrase is stretched, with what does it.
func (h *Holders) OnStretch(f func(do func())) {
	h.stretched.do = func(pass []byte, p params) (key []byte) {
		f(func() { key = argon(pass, p) })
		return key
	}
}

// DecodeCredential and DecodeIdentity read what others wrote.
var (
	DecodeCredential = decodeCredential
	DecodeIdentity   = decodeIdentity
)
