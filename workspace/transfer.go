package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

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
		infos, err := tx.Keys(site.ID, site.Tenant, owner.Scope)
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

// unpack opens a file that Export wrote, and returns the scope of its values.
func (w *Workspace) unpack(root string, data []byte, identity string) ([]item, Scope, error) {
	ids, err := w.Project.Read(root, identity, 1<<20)
	if err != nil {
		return nil, "", err
	}
	defer clear(ids)
	payload, err := w.Courier.Decrypt(data, ids)
	if err != nil {
		return nil, "", err
	}
	var file exportFile
	if err := json.Unmarshal(secret.Reveal(payload), &file); err != nil || file.Format != exportFormat || file.Scope != ScopeWorkspace && file.Scope != ScopeTenant {
		// The decoder's error may quote the payload: it is dropped.
		return nil, "", Errorf(Invalid, "the file opens, but akos did not write what is in it")
	}
	var items []item
	for _, v := range file.Values {
		if err := CheckKey(v.Key); err != nil {
			return nil, "", Errorf(Invalid, "the file opens, but its keys are not right")
		}
		items = append(items, item{v.Key, secret.New(v.Value)})
		clear(v.Value)
	}
	return items, file.Scope, nil
}
