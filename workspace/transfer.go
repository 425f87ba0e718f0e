package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/akos/workspace/internal/dotenv"
	"example.com/akos/workspace/internal/secret"
)

// A Courier seals a payload to recipients that only their identity opens.
type Courier interface {
	// CheckRecipient returns nil if s is a recipient.
	CheckRecipient(s string) error
	// Encrypt seals payload to the recipients; armor makes it text.
	Encrypt(payload Secret, recipients []string, armor bool) ([]byte, error)
	// Sealed reports whether data is such a file.
	Sealed(data []byte) bool
	// Decrypt opens data with the identities of an identity file.
	Decrypt(data, identities []byte) (Secret, error)
}

// An ImportRequest says which values to take in.
type ImportRequest struct {
	File     FileArg
	Identity string   // the identity file, for an exported file
	Only     []string // keys to take; all if empty
	Scope    Scope
	Rewrite  bool // replace the values in the file by references, once all are stored
	NewKey   bool
}

// Imported is the public part of what was taken in.
type Imported struct {
	Imported  []string     `json:"imported"`
	Skipped   []SkippedKey `json:"skipped"`
	Scope     Scope        `json:"scope"`
	Source    Backend      `json:"source,omitempty"`
	Rewritten bool         `json:"rewritten" jsonschema:"the file now holds references"`
	Notice    string       `json:"notice,omitempty"`
}

// A SkippedKey was in the file and not taken.
type SkippedKey struct {
	Key    string `json:"key"`
	Reason string `json:"reason" jsonschema:"empty or reference"`
}

// item is one value on its way in or out.
type item struct {
	key   string
	value Secret
}

// maxExport bounds an exported file that is read back, in bytes.
const maxExport = 1 << 30

// Import stores the values of a dotenv file, or of a file that Export wrote:
// all of them or none.
func (w *Workspace) Import(ctx context.Context, req ImportRequest) (Imported, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return Imported{}, err
	}
	root, err := site.root(req.File)
	if err != nil {
		return Imported{}, err
	}
	data, err := w.Project.Read(root, req.File.Path, maxExport)
	if err != nil {
		return Imported{}, err
	}
	defer clear(data)
	r := Imported{Imported: []string{}, Skipped: []SkippedKey{}, Scope: w.ref(site, req.Scope, "").Scope}
	var items []item
	if w.Courier.Sealed(data) {
		if req.Rewrite {
			return Imported{}, Errorf(Invalid, "an exported file has no values to replace by references")
		}
		items, err = w.unpack(root, data, req.Identity)
	} else {
		if req.Identity != "" {
			return Imported{}, Errorf(Invalid, "%s is not an exported file, so it needs no identity", req.File.Path)
		}
		items, r.Skipped, err = dotenvItems(req.File.Path, data)
	}
	if err != nil {
		return Imported{}, err
	}
	if items, r.Skipped, err = only(req.Only, items, r.Skipped); err != nil {
		return Imported{}, err
	}
	seen := map[string]bool{}
	for _, it := range items {
		if err := checkValue(it.value); err != nil {
			return Imported{}, Errorf(Invalid, "%s: %s", it.key, Explain(err).Msg)
		}
		if seen[Fold(it.key)] {
			return Imported{}, Errorf(Invalid, "the file has two keys that differ from %s only by case; nothing was stored", it.key).
				WithHint("akos vault import %s --only %s", ShellQuote(req.File.Path), it.key)
		}
		seen[Fold(it.key)] = true
	}
	var rewritten []byte
	if req.Rewrite {
		refs := map[string]string{}
		for _, it := range items {
			refs[it.key] = it.key
		}
		// Before anything is stored, so that a file that can't be rewritten
		// stops the import.
		if rewritten, err = dotenv.Rewrite(data, refs); err != nil {
			return Imported{}, Errorf(Invalid, "%s: %v", req.File.Path, err)
		}
	}
	if len(items) == 0 {
		return r, nil
	}
	k, sealer, notice, err := w.sealer(ctx, site, req.NewKey)
	if err != nil {
		return Imported{}, err
	}
	err = w.Store.Write(ctx, func(tx Tx) error {
		for _, it := range items {
			s, err := seal(tx, w.ref(site, req.Scope, it.key), it.value, k.ID, sealer, w.Now())
			if err != nil {
				return err
			}
			r.Imported = append(r.Imported, s.Ref.Key)
			if err := tx.Audit(w.event("vault.import", site, s.Ref, fmt.Sprintf("version %d", s.Version))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Imported{}, err
	}
	r.Source, r.Notice = k.Backend, notice
	if req.Rewrite {
		if err := w.Project.Replace(root, req.File.Path, data, rewritten); err != nil {
			e := Explain(err)
			return r, Errorf(e.Kind, "the values are stored, but the file was not rewritten: %s", e.Msg).Because(err)
		}
		r.Rewritten = true
	}
	return r, nil
}

func dotenvItems(path string, data []byte) (items []item, skipped []SkippedKey, err error) {
	entries, err := dotenv.Parse(data)
	if err != nil {
		return nil, nil, Errorf(Invalid, "%s: %v", path, err)
	}
	skipped = []SkippedKey{}
	for _, e := range entries {
		switch {
		case e.Ref != "":
			skipped = append(skipped, SkippedKey{e.Key, "reference"})
		case secret.Empty(e.Value):
			skipped = append(skipped, SkippedKey{e.Key, "empty"})
		default:
			if err := CheckKey(e.Key); err != nil {
				return nil, nil, Errorf(Invalid, "%s:%d: %s", path, e.Line, Explain(err).Msg)
			}
			items = append(items, item{e.Key, e.Value})
		}
	}
	return items, skipped, nil
}

// only keeps what is named in keys; a name that is not in the file is
// NotFound.
func only(keys []string, items []item, skipped []SkippedKey) ([]item, []SkippedKey, error) {
	if len(keys) == 0 {
		return items, skipped, nil
	}
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(items, func(it item) bool { return it.key == key }) &&
			!slices.ContainsFunc(skipped, func(s SkippedKey) bool { return s.Key == key }) {
			return nil, nil, Errorf(NotFound, "the file has no key called %s; nothing was stored", key)
		}
	}
	items = slices.DeleteFunc(items, func(it item) bool { return !slices.Contains(keys, it.key) })
	skipped = slices.DeleteFunc(skipped, func(s SkippedKey) bool { return !slices.Contains(keys, s.Key) })
	return items, skipped, nil
}

// An exportFile is the payload of an exported file.
type exportFile struct {
	Format string        `json:"format"`
	Scope  Scope         `json:"scope"`
	Owner  string        `json:"owner"`
	Values []exportValue `json:"values"`
}

type exportValue struct {
	Key   string `json:"key"`
	Value []byte `json:"value"` // base64
}

const exportFormat = "akos-vault-export/1"

// An ExportRequest says which values leave, and sealed to whom.
type ExportRequest struct {
	Recipients []string
	Scope      Scope
	Armor      bool
}

// Exported is the public part of an export.
type Exported struct {
	Keys       []string `json:"keys"`
	Scope      Scope    `json:"scope"`
	Recipients []string `json:"recipients"`
	Path       string   `json:"path,omitempty"`
}

// CheckRecipients returns an Invalid error unless every one is a recipient.
func (w *Workspace) CheckRecipients(recipients []string) error {
	if len(recipients) == 0 {
		return Errorf(Invalid, "an export needs a recipient: an age public key, which starts with age1")
	}
	for _, r := range recipients {
		if err := Refuse(r, "a recipient"); err != nil {
			return err
		}
		if err := w.Courier.CheckRecipient(r); err != nil {
			return err
		}
	}
	return nil
}

// Export returns an age file that holds every value of a scope, sealed to the
// recipients. It is audited before anything leaves; the caller has asked the
// person.
func (w *Workspace) Export(ctx context.Context, req ExportRequest) ([]byte, Exported, error) {
	if err := w.CheckRecipients(req.Recipients); err != nil {
		return nil, Exported{}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return nil, Exported{}, err
	}
	owner := w.ref(site, req.Scope, "")
	var rows []Sealed
	keys := map[string]DataKey{}
	err = w.Store.Write(ctx, func(tx Tx) error {
		infos, err := tx.Keys(site.ID, LocalTenant, owner.Scope)
		if err != nil {
			return err
		}
		for _, info := range infos {
			s, ok, err := tx.Secret(Ref{owner.Scope, owner.Owner, info.Key}, 0)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			rows = append(rows, s)
			if _, known := keys[s.DataKey]; !known {
				if keys[s.DataKey], err = dataKey(tx, s.DataKey); err != nil {
					return err
				}
			}
		}
		return tx.Audit(w.event("vault.export", site, owner, fmt.Sprintf("%d values to %s", len(rows), strings.Join(req.Recipients, " "))))
	})
	if err != nil {
		return nil, Exported{}, err
	}
	if len(rows) == 0 {
		return nil, Exported{}, Errorf(NotFound, "there is nothing to export in the %s %s", owner.Scope, owner.Owner).WithHint("akos vault list")
	}
	file := exportFile{Format: exportFormat, Scope: owner.Scope, Owner: owner.Owner}
	r := Exported{Keys: []string{}, Scope: owner.Scope, Recipients: req.Recipients}
	sealers := map[string]Sealer{}
	for _, s := range rows {
		if sealers[s.DataKey] == nil {
			if sealers[s.DataKey], err = w.open(ctx, keys[s.DataKey]); err != nil {
				return nil, Exported{}, err
			}
		}
		v, err := sealers[s.DataKey].Unseal(s.Box, s.binding())
		if err != nil {
			return nil, Exported{}, err
		}
		file.Values = append(file.Values, exportValue{s.Ref.Key, secret.Reveal(v)})
		r.Keys = append(r.Keys, s.Ref.Key)
	}
	payload, err := json.Marshal(file)
	if err != nil {
		return nil, Exported{}, err
	}
	defer clear(payload)
	out, err := w.Courier.Encrypt(secret.New(payload), req.Recipients, req.Armor)
	return out, r, err
}

// unpack opens a file that Export wrote.
func (w *Workspace) unpack(root string, data []byte, identity string) ([]item, error) {
	if identity == "" {
		return nil, Errorf(Invalid, "the file is sealed: name the identity file that opens it with --identity")
	}
	ids, err := w.Project.Read(root, identity, 1<<20)
	if err != nil {
		return nil, err
	}
	defer clear(ids)
	payload, err := w.Courier.Decrypt(data, ids)
	if err != nil {
		return nil, err
	}
	var file exportFile
	if err := json.Unmarshal(secret.Reveal(payload), &file); err != nil || file.Format != exportFormat {
		// The decoder's error may quote the payload: it is dropped.
		return nil, Errorf(Invalid, "the file opens, but akos did not write what is in it")
	}
	var items []item
	for _, v := range file.Values {
		if err := CheckKey(v.Key); err != nil {
			return nil, Errorf(Invalid, "the file opens, but its keys are not right")
		}
		items = append(items, item{v.Key, secret.New(v.Value)})
	}
	return items, nil
}
