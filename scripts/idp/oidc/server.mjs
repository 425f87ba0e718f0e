// Runs oidc-provider with its own development pages, where any name and
// password sign in. Prints its issuer once it listens.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'akos-cli',
      client_name: 'akos',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    }],
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
