package tools

import (
	"context"
	"io"
	"strings"

	"example.com/akos/workspace"
)

const accountReason = "who may log in is the decision of whoever runs the server"

// Account is the result of user add and user passwd.
type Account struct {
	workspace.Account
	did string
}

// WriteText writes one line.
func (r Account) WriteText(w io.Writer) error {
	var in []string
	for _, t := range r.Tenants {
		in = append(in, t.Tenant+" ("+string(t.Role)+")")
	}
	return line(w, "%s %s, tenant %s", r.did, r.User, strings.Join(in, ", "))
}

// newPassword asks for a password twice, so that a slip locks nobody out.
func newPassword(ctx context.Context, s Session, user, command string) (workspace.Secret, error) {
	first, err := s.Human.Secret(ctx, Ask{Prompt: "New password for " + user, Command: command + " --password-stdin"})
	if err != nil {
		return workspace.Secret{}, err
	}
	if err := workspace.CheckPassword(user, first); err != nil {
		return workspace.Secret{}, err
	}
	second, err := s.Human.Secret(ctx, Ask{Prompt: "The same again", Command: command + " --password-stdin"})
	if err == nil && !workspace.SameSecret(first, second) {
		err = workspace.Errorf(workspace.Invalid, "the two passwords differ; nothing was changed").WithHint("%s", command)
	}
	return first, err
}

func userAdd() *Tool {
	type in struct {
		Name   string `json:"name" arg:"NAME" jsonschema:"what the person signs in with"`
		Tenant string `json:"tenant,omitempty" jsonschema:"tenant to be a member of (default: local)"`
		Role   string `json:"role,omitempty" enum:"role" jsonschema:"owner for the first of a tenant, else member, unless given"`
	}
	return define(spec[in, Account]{
		Name: "user add", Short: "Make an account for the sidecar's logins", Effect: Writes, CLIOnly: accountReason,
		Long:    "Asks for the password on the terminal, unseen; not for an account that there is already, which becomes a member of one more tenant. The account is in the state of this AKOS_HOME; the sidecar need not run.",
		Example: "akos user add ada\n\n# from another program\npass show akos/ada | akos user add ada --tenant acme --password-stdin",
		Run: func(ctx context.Context, s Session, in in) (Account, error) {
			req := workspace.AddUserRequest{User: in.Name, Tenant: in.Tenant, Role: workspace.Role(in.Role)}
			if in.Tenant != "" {
				if a, there, err := s.Workspace.Join(ctx, req); there || err != nil {
					return Account{a, "Added to " + in.Tenant + ":"}, err
				}
			}
			if err := s.Workspace.CheckAddUser(ctx, req); err != nil {
				return Account{}, err
			}
			password, err := newPassword(ctx, s, in.Name, "akos user add "+in.Name)
			if err != nil {
				return Account{}, err
			}
			a, err := s.Workspace.AddUser(ctx, req, password)
			return Account{a, "Added"}, err
		},
	})
}

func userPasswd() *Tool {
	type in struct {
		Name string `json:"name" arg:"NAME" jsonschema:"whose password"`
	}
	return define(spec[in, Account]{
		Name: "user passwd", Short: "Change the password of an account", Effect: Writes, CLIOnly: accountReason,
		Long:    "Asks on the terminal, unseen. The person's logins end and a locked account opens; tokens made with token create stay.",
		Example: "akos user passwd ada",
		Run: func(ctx context.Context, s Session, in in) (Account, error) {
			if err := s.Workspace.CheckUserThere(ctx, in.Name); err != nil {
				return Account{}, err
			}
			password, err := newPassword(ctx, s, in.Name, "akos user passwd "+in.Name)
			if err != nil {
				return Account{}, err
			}
			a, err := s.Workspace.SetPassword(ctx, in.Name, password)
			return Account{a, "Changed the password of"}, err
		},
	})
}

// Accounts is the result of user list.
type Accounts struct {
	Users []workspace.Account `json:"users"`
}

// WriteText writes a table.
func (r Accounts) WriteText(w io.Writer) error {
	if len(r.Users) == 0 {
		return line(w, "There are no accounts. Make one: akos user add NAME")
	}
	var rows []string
	for _, a := range r.Users {
		for _, t := range a.Tenants {
			locked := ""
			if a.Locked {
				locked = "locked"
			}
			rows = append(rows, row(a.User, t.Tenant, string(t.Role), date(a.CreatedAt), locked))
		}
	}
	return table(w, "USER\tTENANT\tROLE\tCREATED\t", rows)
}

func userList() *Tool {
	type in struct{}
	return define(spec[in, Accounts]{
		Name: "user list", Short: "List the accounts for the sidecar's logins", Effect: Reads, Idempotent: true, CLIOnly: accountReason,
		Long:    "With their tenants and roles.",
		Example: "akos user list",
		Run: func(ctx context.Context, s Session, _ in) (Accounts, error) {
			as, err := s.Workspace.Accounts(ctx)
			return Accounts{as}, err
		},
	})
}

// RemovedUser is the result of user remove.
type RemovedUser struct{ workspace.RemovedUser }

// WriteText writes one line.
func (r RemovedUser) WriteText(w io.Writer) error {
	return line(w, "Removed %s; every login and token of it has ended", r.User)
}

func userRemove() *Tool {
	type in struct {
		Name string `json:"name" arg:"NAME" jsonschema:"whose account"`
	}
	return define(spec[in, RemovedUser]{
		Name: "user remove", Short: "Remove an account", Effect: Destroys, CLIOnly: accountReason,
		Long:    "Its logins and tokens end at once. Secrets stay: they belong to workspaces and tenants.",
		Example: "akos user remove ada",
		Run: func(ctx context.Context, s Session, in in) (RemovedUser, error) {
			r, err := s.Workspace.RemoveUser(ctx, in.Name)
			return RemovedUser{r}, err
		},
	})
}
