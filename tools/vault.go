package tools

import (
	"context"
	"io"
	"slices"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
)

// Keys is the result of vault list.
type Keys struct {
	Keys  []workspace.StoredKey `json:"keys"`
	store string                // the command that stores one; "" if the environment is the vault
}

// WriteText writes a table.
func (r Keys) WriteText(w io.Writer) error {
	if len(r.Keys) == 0 && r.store == "" {
		return line(w, "The vault of this workspace is the environment, which holds no key of a provider or connection. To store values elsewhere: %s", workspace.OtherBackend)
	}
	if len(r.Keys) == 0 {
		return line(w, "The vault is empty. Store a value: %s KEY", r.store)
	}
	var rows []string
	for _, k := range r.Keys {
		rows = append(rows, row(k.Key, string(k.Scope), source(k.Source, k.Present), date(k.UpdatedAt.Time()), strings.Join(k.UsedBy, ", ")))
	}
	return table(w, "KEY\tSCOPE\tSOURCE\tUPDATED\tUSED BY", rows)
}

func vaultList() *Tool {
	type in struct {
		Scope string `json:"scope,omitempty" enum:"scope" jsonschema:"only this scope"`
	}
	return define(spec[in, Keys]{
		Name: "vault list", Short: "List the vault's key names", Effect: Reads, Idempotent: true,
		Long:    "Names, sources and the connections that use them; never a value. Use it to see what is stored, and to see whether a person has entered a value.",
		Example: "# every key, with its source\nakos vault list\n\n# for a script\nakos vault list --scope tenant --json",
		Run: func(ctx context.Context, s Session, in in) (Keys, error) {
			keys, err := s.Workspace.List(ctx, workspace.Scope(in.Scope))
			r := Keys{keys, "akos vault put"}
			if err == nil && len(keys) == 0 && !s.Agent && workspace.Explain(s.Workspace.CheckPut(ctx, workspace.PutRequest{Key: "KEY"})).Kind == workspace.Denied {
				r.store = ""
			}
			return r, err
		},
	})
}

// Stored is the result of vault put.
type Stored struct {
	workspace.Stored
	ask page
}

// A page is what a person is asked to open, once.
type page struct{ url, say, id string }

// pageOf returns the page that e has opened, if it has.
func pageOf(e workspace.Entered) page {
	if !e.New {
		return page{}
	}
	var keys []string
	for _, r := range e.Results {
		keys = append(keys, r.Key)
	}
	return page{
		e.Results[0].EntryURL,
		"Enter " + strings.Join(keys, ", ") + " on a page of akos in your browser. The agent does not see what you enter.",
		e.ID,
	}
}

// Page returns the page on which the person enters the value, the first time.
func (r Stored) Page() (url, say, id string) { return r.ask.url, r.ask.say, r.ask.id }

// WriteText writes one line.
func (r Stored) WriteText(w io.Writer) error {
	switch r.Status {
	case workspace.EntryPending:
		return line(w, "Open %s to enter %s", r.EntryURL, r.Key)
	case workspace.EntryDeclined, workspace.EntryExpired:
		return line(w, "The entry of %s is %s", r.Key, r.Status)
	}
	return line(w, "Stored %s in %s (%s %s)", r.Key, r.Source, r.Scope, r.Owner)
}

// Notes returns the notice.
func (r Stored) Notes() []string { return notes(r.Notice) }

func notes(notice string) []string {
	if notice == "" {
		return nil
	}
	return []string{notice}
}

func vaultPut() *Tool {
	type in struct {
		Key         string `json:"key" arg:"KEY" jsonschema:"name to store the value under"`
		Scope       string `json:"scope,omitempty" enum:"scope" jsonschema:"tenant shares it with the tenant's workspaces"`
		Reason      string `json:"reason,omitempty" face:"mcp" jsonschema:"why you need it"`
		NoOverwrite bool   `json:"noOverwrite,omitempty" face:"cli" jsonschema:"fail if the key exists"`
		NewKey      bool   `json:"newKey,omitempty" face:"cli" jsonschema:"the vault's key-encryption key is lost: make a new one and leave what it sealed"`
	}
	return define(spec[in, Stored]{
		Name: "vault put", Short: "Store a value that a person enters", Effect: Writes, Slow: true, Right: "akos vault put NAME",
		Long: "Asks the person for the value, outside of the conversation. Use it when creds_check or connection_create reports a missing key. While it is pending, show the person entryUrl and call it again for the outcome; do not open the page yourself. It takes no value and returns none: never ask for one in the chat.",
		Help: "Asks for the value on the terminal, unseen, once. A key that exists gets a new version. The value is not shown again.",
		Example: "# asks on the terminal, unseen\nakos vault put OPENAI_API_KEY\n\n# from another program\npass show openai | akos vault put OPENAI_API_KEY --stdin\n\n" +
			"# any bytes, exactly\nakos vault put TLS_KEY --from-file key.pem",
		Run: func(ctx context.Context, s Session, in in) (Stored, error) {
			if err := workspace.CheckKey(in.Key); err != nil {
				return Stored{}, err
			}
			if s.onPage() {
				r, err := s.Workspace.Enter(ctx, workspace.EnterRequest{
					Name: "key " + in.Key, Keys: func(context.Context) ([]string, error) { return []string{in.Key}, nil },
					Scope: workspace.Scope(in.Scope), Client: s.Client, Reason: in.Reason, Page: s.Page,
				})
				if err != nil {
					return Stored{}, err
				}
				return Stored{r.Results[0], pageOf(r)}, nil
			}
			e, err := enter(ctx, s, workspace.PutRequest{
				Key: in.Key, Scope: workspace.Scope(in.Scope), NoOverwrite: in.NoOverwrite, NewKey: in.NewKey,
			}, "akos vault put")
			if err != nil {
				return Stored{}, err
			}
			return e.store(ctx, s)
		},
	})
}

// entered is a value on its way from the person to the vault. It is neither
// an argument nor a result.
type entered struct {
	workspace.PutRequest
	provider catalog.Provider
	known    bool // the catalog knows the key
}

// enter asks for the value of req.Key; command, with the key, is what stores
// it without an agent.
func enter(ctx context.Context, s Session, req workspace.PutRequest, command string) (entered, error) {
	p, known := s.Workspace.ProviderForKey(ctx, req.Key)
	// Nobody is asked for a value that can't be stored then.
	if err := s.Workspace.CheckPut(ctx, req); err != nil {
		return entered{}, err
	}
	v, err := s.Human.Secret(ctx, s.askFor(ctx, req.Key, req.Scope, command))
	req.Value = v
	return entered{req, p, known}, err
}

// store stores what was entered.
func (e entered) store(ctx context.Context, s Session) (Stored, error) {
	stored, err := s.Workspace.Put(ctx, e.PutRequest)
	if err == nil && e.known && stored.Notice == "" {
		stored.Notice = workspace.ShapeNotice(e.provider, e.Key, e.Value)
	}
	return Stored{Stored: stored}, err
}

// imported gives the domain's type another name: embedded under its own it
// would hide its field Imported from the schema.
type imported = workspace.Imported

// Imported is the result of vault import.
type Imported struct{ imported }

// WriteText writes the names.
func (r Imported) WriteText(w io.Writer) error {
	if len(r.Imported) == 0 && len(r.Skipped) == 0 {
		return line(w, "There is no key in the file: nothing was stored")
	}
	for _, key := range r.Imported {
		replaced := ""
		if slices.Contains(r.Replaced, key) {
			replaced = ", in the place of another value"
		}
		if err := line(w, "Stored %s in %s (%s)%s", key, r.Source, r.Scope, replaced); err != nil {
			return err
		}
	}
	for _, s := range r.Skipped {
		if err := line(w, "Skipped %s (%s)", s.Key, s.Reason); err != nil {
			return err
		}
	}
	if !r.Rewritten {
		return nil
	}
	if err := line(w, "The file now holds references instead of values"); err != nil || r.Comments == 0 {
		return err
	}
	return line(w, "Left as before: %s; a value in a comment is still there", count(r.Comments, "comment line"))
}

// Notes returns the notice.
func (r Imported) Notes() []string { return notes(r.Notice) }

func vaultImport() *Tool {
	type in struct {
		Path     string   `json:"path" arg:"FILE" jsonschema:"dotenv file (an agent's: in the workspace's directory or the client's roots)"`
		Only     []string `json:"only,omitempty" jsonschema:"only these keys"`
		Scope    string   `json:"scope,omitempty" enum:"scope" jsonschema:"tenant shares it with the tenant's workspaces"`
		Rewrite  bool     `json:"rewrite,omitempty" jsonschema:"replace the values in the file by references"`
		Identity string   `json:"identity,omitempty" face:"cli" jsonschema:"age identity file that opens an exported file"`
		NewKey   bool     `json:"newKey,omitempty" face:"cli" jsonschema:"the vault's key-encryption key is lost: make a new one and leave what it sealed"`
	}
	return define(spec[in, Imported]{
		Name: "vault import", Short: "Store the values of a dotenv file", Effect: Writes, Slow: true, Files: true, Right: "akos vault import .env",
		Long:    "akos reads the file itself and returns names only. Use it instead of reading a .env file. All values are stored or none. For an agent none replaces another that is stored. A rewritten file keeps its comments.",
		Help:    "Prints names only. All values are stored or none. A rewritten file keeps its comments.",
		Example: "# and leave references in the file\nakos vault import .env --rewrite\n\n# two keys of it\nakos vault import .env --only OPENAI_API_KEY,SLACK_BOT_TOKEN\n\n# what vault export wrote\nakos vault import backup.age --identity key.txt",
		Run: func(ctx context.Context, s Session, in in) (Imported, error) {
			r, err := s.Workspace.Import(ctx, workspace.ImportRequest{
				File: s.file(in.Path), Identity: in.Identity,
				Only: in.Only, Scope: workspace.Scope(in.Scope), Rewrite: in.Rewrite, NewKey: in.NewKey,
			})
			return Imported{r}, err
		},
	})
}

// RemovedKey is the result of vault remove.
type RemovedKey struct{ workspace.Removed }

// WriteText writes one line.
func (r RemovedKey) WriteText(w io.Writer) error { return line(w, "Removed %s (%s)", r.Key, r.Scope) }

// Notes names the connections that lack the key now.
func (r RemovedKey) Notes() []string {
	if len(r.UsedBy) == 0 {
		return nil
	}
	return []string{"these connections named it: " + strings.Join(r.UsedBy, ", ")}
}

func vaultRemove() *Tool {
	type in struct {
		Key   string `json:"key" arg:"KEY" jsonschema:"name of the key"`
		Scope string `json:"scope,omitempty" enum:"scope"`
		Force bool   `json:"force,omitempty" jsonschema:"remove it even if a connection uses it"`
	}
	return define(spec[in, RemovedKey]{
		Name: "vault remove", Short: "Remove a key and all its versions", Effect: Destroys, Right: "akos vault list",
		Long:    "Refuses, naming the connections, while one uses the key. It can't be undone.",
		Example: "akos vault remove SLACK_BOT_TOKEN",
		Run: func(ctx context.Context, s Session, in in) (RemovedKey, error) {
			r, err := s.Workspace.Remove(ctx, in.Key, workspace.Scope(in.Scope), in.Force)
			return RemovedKey{r}, err
		},
	})
}

// Versions is the result of vault history.
type Versions struct {
	Key      string                  `json:"key"`
	Versions []workspace.VersionInfo `json:"versions"`
}

// WriteText writes a table.
func (r Versions) WriteText(w io.Writer) error {
	var rows []string
	for _, v := range r.Versions {
		mark := ""
		if v.Current {
			mark = "current"
		}
		rows = append(rows, row(itoa(v.Version), date(v.CreatedAt), source(v.Source, v.Present), mark))
	}
	return table(w, "VERSION\tCREATED\tSOURCE\t", rows)
}

const historyReason = "an agent has no use for older versions; a person decides which value is right"

func vaultHistory() *Tool {
	type in struct {
		Key   string `json:"key" arg:"KEY" jsonschema:"name of the key"`
		Scope string `json:"scope,omitempty" enum:"scope" jsonschema:"workspace or tenant"`
	}
	return define(spec[in, Versions]{
		Name: "vault history", Short: "List the versions of a key", Effect: Reads, Idempotent: true, CLIOnly: historyReason,
		Long:    "The last ten versions are kept. No value is shown.",
		Example: "akos vault history OPENAI_API_KEY",
		Run: func(ctx context.Context, s Session, in in) (Versions, error) {
			key, vs, err := s.Workspace.History(ctx, in.Key, workspace.Scope(in.Scope))
			return Versions{key, vs}, err
		},
	})
}

// RolledBack is the result of vault rollback.
type RolledBack struct{ workspace.RolledBack }

// WriteText writes one line.
func (r RolledBack) WriteText(w io.Writer) error {
	return line(w, "Stored version %d of %s again, as version %d, in %s (%s %s)", r.From, r.Key, r.Version, r.Source, r.Scope, r.Owner)
}

func vaultRollback() *Tool {
	type in struct {
		Key     string `json:"key" arg:"KEY" jsonschema:"name of the key"`
		Version int    `json:"version,omitempty" arg:"VERSION" jsonschema:"version to go back to; the one before the current without it"`
		Scope   string `json:"scope,omitempty" enum:"scope" jsonschema:"workspace or tenant"`
	}
	return define(spec[in, RolledBack]{
		Name: "vault rollback", Short: "Make an older version of a key the newest", Effect: Writes, Slow: true, CLIOnly: historyReason,
		Long:    "The older value is stored again, as a new version: nothing is lost, and a rollback can be rolled back.",
		Example: "akos vault rollback OPENAI_API_KEY\nakos vault rollback OPENAI_API_KEY 3",
		Run: func(ctx context.Context, s Session, in in) (RolledBack, error) {
			if in.Version < 0 {
				return RolledBack{}, workspace.Errorf(workspace.Invalid, "versions count from 1")
			}
			r, err := s.Workspace.Rollback(ctx, in.Key, in.Version, workspace.Scope(in.Scope))
			return RolledBack{r}, err
		},
	})
}

// Exported is the result of vault export.
type Exported struct {
	workspace.Exported
	file []byte // set if it goes to the standard output
}

// WriteText writes the age file, or says where it is.
func (r Exported) WriteText(w io.Writer) error {
	if r.file != nil {
		_, err := w.Write(r.file)
		return err
	}
	return line(w, "Wrote %s of the %s to %s", count(len(r.Keys), "value"), r.Scope, r.Path)
}

func vaultExport() *Tool {
	type in struct {
		Recipient []string `json:"recipient" jsonschema:"age public key (age1…) that the file is sealed to; repeatable"`
		Out       string   `json:"out,omitempty" jsonschema:"file to write; the standard output without it"`
		Scope     string   `json:"scope,omitempty" enum:"scope" jsonschema:"workspace or tenant"`
	}
	return define(spec[in, Exported]{
		Name: "vault export", Short: "Write the values of a scope to an age file", Effect: Reads, Slow: true,
		CLIOnly: "the one way by which values leave: a person decides it on a terminal",
		Long:    "Every value of the scope, sealed to the recipients, for a backup or a colleague. It asks on the terminal first and is audited. Nothing in clear touches the disk. Take it back with akos vault import FILE --identity ID.",
		Example: "akos vault export --recipient age1... --out backup.age",
		Run: func(ctx context.Context, s Session, in in) (Exported, error) {
			scope := workspace.Scope(in.Scope)
			if err := s.Workspace.CheckRecipients(in.Recipient); err != nil {
				return Exported{}, err
			}
			if in.Out != "" { // before anybody is asked for nothing
				if err := s.Workspace.Project.CheckNew(in.Out); err != nil {
					return Exported{}, err
				}
			}
			keys, err := s.Workspace.List(ctx, scope)
			if err != nil {
				return Exported{}, err
			}
			if scope == "" {
				scope = workspace.ScopeWorkspace
			}
			n := 0
			for _, k := range keys {
				if k.Scope == scope && k.Source != workspace.BackendEnv {
					n++
				}
			}
			if err := s.Human.Confirm(ctx, "Write "+count(n, "value")+" of the "+string(scope)+" to a file that only "+strings.Join(in.Recipient, ", ")+" opens?"); err != nil {
				return Exported{}, err
			}
			file, r, err := s.Workspace.Export(ctx, workspace.ExportRequest{Recipients: in.Recipient, Scope: scope, Armor: in.Out == ""})
			if err != nil {
				return Exported{}, err
			}
			if in.Out == "" {
				return Exported{r, file}, nil
			}
			r.Path = in.Out
			return Exported{Exported: r}, s.Workspace.Project.Create(in.Out, file)
		},
	})
}
