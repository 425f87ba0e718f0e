package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

const (
	envPassphrase   = "AKOS_VAULT_PASSPHRASE_FILE"
	passphraseLimit = 64 << 10
)

// Params say how a passphrase becomes a KEK. They are kept beside the data
// key, so that later akos can take stronger ones for new keys.
type params struct {
	KDF     string `json:"kdf"`
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memoryKiB"`
	Threads uint8  `json:"threads"`
	Salt    []byte `json:"salt"`
}

const argon2id = "argon2id"

// newParams returns the encoded parameters of a new key: about 0.3 s on two
// cores.
func newParams() []byte {
	p := params{KDF: argon2id, Time: 3, Memory: 64 << 10, Threads: 4, Salt: make([]byte, 16)}
	_, _ = rand.Read(p.Salt) // never fails: it ends the process instead
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of numbers and bytes
	}
	return data
}

// parseParams reads what newParams returned. The bounds keep a damaged record
// from taking all memory, or minutes.
func parseParams(data []byte) (params, error) {
	var p params
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err == nil && (p.KDF != argon2id || p.Time < 1 || p.Time > 16 || p.Memory < 8<<10 || p.Memory > 256<<10 ||
		p.Threads < 1 || p.Threads > 16 || len(p.Salt) < 16 || len(p.Salt) > 64) {
		err = errors.New("out of bounds")
	}
	if err != nil {
		return p, workspace.Errorf(workspace.Unavailable, "the parameters of the vault's passphrase are damaged").
			WithHint("akos doctor").Because(err)
	}
	return p, nil
}

// createFromPassphrase chooses the parameters of k and returns its KEK.
func (h *Holders) createFromPassphrase(ctx context.Context, k *workspace.DataKey) (secret.Value, error) {
	pass, err := h.passphrase(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	defer clear(pass)
	k.Params = h.stretched.params(pass)
	p, err := parseParams(k.Params)
	if err != nil {
		return secret.Value{}, err
	}
	return h.stretched.kek(ctx, pass, p)
}

// fromPassphrase derives the KEK from the passphrase that the environment
// names.
func (h *Holders) fromPassphrase(ctx context.Context, encoded []byte) (secret.Value, error) {
	p, err := parseParams(encoded)
	if err != nil {
		return secret.Value{}, err
	}
	pass, err := h.passphrase(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	defer clear(pass)
	return h.stretched.kek(ctx, pass, p)
}

// aboutPassphrase is the hint where another file is needed, whose name only the
// person knows.
const aboutPassphrase = "akos help environment"

// passphrase returns what the file has now. It is read for every call: one
// that is changed or taken away counts at once.
func (h *Holders) passphrase(ctx context.Context) ([]byte, error) {
	path, ok := h.env(envPassphrase)
	if !ok {
		return nil, workspace.Errorf(workspace.Unavailable, "this vault is locked with a passphrase, and %s names no file that holds it", envPassphrase).
			WithHint(aboutPassphrase)
	}
	pass, err := within(ctx, h.reading, func(context.Context) ([]byte, error) { return readPassphrase(path) })
	if len(pass) == 0 && ctx.Err() == nil {
		h.stretched.forget() // taken away, which locks the vault
	}
	if err != nil {
		// What is no name of a file may be the passphrase itself.
		return nil, unreadable(workspace.Invalid, err, "the file that %s names can't be read", envPassphrase)
	}
	if len(pass) == 0 {
		return nil, workspace.Errorf(workspace.Invalid, "the first line of the passphrase file %s is empty", path).
			WithHint(aboutPassphrase)
	}
	return pass, nil
}

// readPassphrase returns the first line of a file, without its end.
func readPassphrase(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	data, err := readAtMost(f, passphraseLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		clear(data)
		return nil, withoutPath(err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// withoutPath returns what went wrong with a file without its name.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
