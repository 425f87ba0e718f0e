package tools

import "sync"

// Catalog returns every operation, in the order of the reference.
var Catalog = sync.OnceValue(func() []*Tool {
	return []*Tool{
		workspaceStatus(), workspaceInit(), workspaceTrust(), workspaceDoctor(), workspaceVersion(),
		authLogin(), authWhoami(), authStatus(), authLogout(), tenantList(), tenantUse(),
		credsList(), credsCheck(), credsSet(), credsGuide(),
		vaultList(), vaultPut(), vaultImport(), vaultRemove(), vaultHistory(), vaultRollback(), vaultExport(),
		connectionKinds(), connectionCreate(), connectionList(), connectionInspect(), connectionRemove(),
		secretsSet(), secretsList(), secretsRemove(),
		userAdd(), userList(), userPasswd(), userRemove(), tokenCreate(), tokenList(), tokenRevoke(),
	}
})

// Lookup returns the operation called id, such as "vault_list".
func Lookup(id string) (*Tool, bool) {
	for _, t := range Catalog() {
		if t.ID() == id {
			return t, true
		}
	}
	return nil, false
}
