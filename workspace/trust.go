package workspace

import (
	"context"
	"slices"

	"example.com/akos/workspace/catalog"
)

// A TrustPlan is what trusting a workspace file would change.
type TrustPlan struct {
	Path        string            `json:"path"`
	WorkspaceID string            `json:"workspaceId"`
	Hash        string            `json:"hash" jsonschema:"SHA-256 of the file"`
	Backend     Backend           `json:"backend"`
	Server      string            `json:"server,omitempty"`
	Trusted     bool              `json:"trusted" jsonschema:"this content is trusted already"`
	Changed     bool              `json:"changed" jsonschema:"an earlier content was trusted"`
	Providers   []TrustedProvider `json:"providers" jsonschema:"providers that the file adds: where people are sent for keys"`
	Keys        []string          `json:"keys" jsonschema:"vault keys that the directory gets the use of"`
	Connections []string          `json:"connections"`
	OtherPaths  []string          `json:"otherPaths" jsonschema:"directories that share this workspace already"`
}

// A TrustedProvider is a provider that a workspace file adds.
type TrustedProvider struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Keys    []string `json:"keys"`
	DocsURL string   `json:"docsUrl,omitempty"`
	Unlocks string   `json:"unlocks,omitempty"`
}

// PlanTrust tells what trusting the workspace file here would change.
func (w *Workspace) PlanTrust(ctx context.Context) (TrustPlan, error) {
	site, err := w.locate(ctx)
	if err != nil {
		return TrustPlan{}, err
	}
	if site.File == nil {
		return TrustPlan{}, Errorf(NotFound, "there is no akos.config.yaml here or above").WithHint("akos init")
	}
	p := TrustPlan{Path: site.File.Path, WorkspaceID: site.ID, Hash: site.File.Hash, Backend: site.File.Backend, Server: site.File.Server,
		Providers: []TrustedProvider{}, Keys: []string{}, Connections: []string{}, OtherPaths: []string{}}
	if p.Backend == "" {
		p.Backend = BackendAuto
	}
	own, err := catalog.ParseProviders(site.File.Providers)
	if err != nil && site.File.Providers != nil {
		return p, Errorf(Invalid, "%s: providers: %v", site.File.Path, err)
	}
	for _, o := range own {
		p.Providers = append(p.Providers, TrustedProvider{o.ID, o.Name, slices.Concat(o.RequiredKeys, o.OptionalKeys), o.DocsURL, o.Unlocks})
	}
	// What the file says of a server does not count yet.
	tenant, err := w.tenant(ctx, Site{})
	if err != nil {
		return p, err
	}
	err = w.Store.Read(ctx, func(tx Tx) error {
		hash, err := tx.Trust(p.Path)
		if err != nil {
			return err
		}
		p.Trusted, p.Changed = hash == p.Hash, hash != "" && hash != p.Hash
		keys, err := tx.Keys(site.ID, tenant, "")
		if err != nil {
			return err
		}
		for _, k := range keys {
			p.Keys = append(p.Keys, k.Key)
		}
		cs, err := tx.Connections(site.ID, tenant, "")
		if err != nil {
			return err
		}
		for _, c := range cs {
			p.Connections = append(p.Connections, c.Name)
		}
		paths, _, err := tx.Known(site.ID)
		p.OtherPaths = append(p.OtherPaths, slices.DeleteFunc(paths, func(s string) bool { return s == p.Path })...)
		return err
	})
	return p, err
}

// Trust trusts the workspace file of plan, if it still has the content that
// the person saw.
func (w *Workspace) Trust(ctx context.Context, plan TrustPlan) error {
	site, err := w.locate(ctx)
	if err != nil {
		return err
	}
	if site.File == nil || site.File.Path != plan.Path || site.File.Hash != plan.Hash {
		return Errorf(Conflict, "%s changed while you looked at it", plan.Path).WithHint("akos trust")
	}
	return w.Store.Write(ctx, func(tx Tx) error {
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "workspace.trust", Workspace: site.ID, Subject: plan.Path, Detail: plan.Hash}); err != nil {
			return err
		}
		return tx.SetTrust(plan.Path, plan.Hash, site.ID, w.Now())
	})
}
