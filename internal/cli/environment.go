package cli

// environmentHelp is the text of `akos help environment`.
const environmentHelp = `The environment variables of akos.

  AGENTSKIT_TOKEN              a token for non-interactive use; wins over a saved session
  AKOS_TOKEN                   its newer name; if both are set and differ, the first wins
  AKOS_HOME                    where the state of this user lives (default: the platform's data directory + akos)
  AKOS_WORKSPACE               as --workspace: a directory with a workspace file, or a workspace id
  AKOS_SERVER                  as --server: the address of the workspace server
  AKOS_VAULT                   where new secrets are sealed: auto, os-keychain, file, env
  AKOS_VAULT_PASSPHRASE_FILE   the file whose first line unlocks the file backend
  CREDENTIALS_DIRECTORY        of systemd: the credential akos-kek in it unlocks the file backend
  NO_COLOR                     no colour; akos uses none

No variable ever holds a passphrase, and none makes akos show a value.`
