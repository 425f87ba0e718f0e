package workspace

import "context"

// offline is the Authority and the Remote of a Workspace that was given none:
// nothing can be reached.
type offline struct{}

func noServer() *Error { return Errorf(Unavailable, "no workspace server can be reached from here") }

func (offline) Begin(context.Context, LoginRequest) (DeviceLogin, error) {
	return DeviceLogin{}, noServer()
}
func (offline) Wait(context.Context, DeviceLogin) (Grant, error) { return Grant{}, noServer() }
func (offline) Refresh(context.Context, Grant) (Grant, error)    { return Grant{}, noServer() }
func (offline) Revoke(context.Context, Grant) error              { return noServer() }
func (offline) Local(context.Context) (string, bool)             { return "", false }
func (offline) Ready(context.Context, string) error              { return noServer() }
func (offline) Whoami(context.Context, string, Secret) (Identity, error) {
	return Identity{}, noServer()
}
func (o offline) Secrets(string, Secret, string) RemoteSecrets   { return o }
func (offline) List(context.Context, Scope) ([]StoredKey, error) { return nil, noServer() }
func (offline) Put(context.Context, string, Scope, Secret) (Stored, error) {
	return Stored{}, noServer()
}
func (offline) Remove(context.Context, string, Scope) (Removed, error) { return Removed{}, noServer() }
