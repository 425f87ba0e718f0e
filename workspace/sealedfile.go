package workspace

import "bytes"

// noCourier is the Courier of a Workspace that was given none: it knows a
// sealed file when it sees one, and opens and makes none.
type noCourier struct{}

func (noCourier) CheckRecipient(string) error { return noSealing() }

func (noCourier) Encrypt(Secret, []string, bool) ([]byte, error) { return nil, noSealing() }

func (noCourier) Decrypt(_, _ []byte) (Secret, error) { return Secret{}, noSealing() }

// Sealed goes by the first line of the format (C2SP age), binary or armored.
func (noCourier) Sealed(data []byte) bool {
	return bytes.HasPrefix(data, []byte("age-encryption.org/")) ||
		bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("-----BEGIN AGE ENCRYPTED FILE-----"))
}

func noSealing() *Error { return Errorf(Denied, "sealed files are for a person to make and open") }
