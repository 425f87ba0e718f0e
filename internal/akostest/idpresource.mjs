// Runs oidc-provider as the authorization server of a resource server (RFC
// 8707): its access tokens are for the resource that was asked for, as JWTs or
// opaque, and a second client may introspect them. Any name and password sign
// in. Prints its issuer once it listens.
//
//   node idpresource.mjs jwt|opaque CLIENT SECRET
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const [format, client, secret] = process.argv.slice(2)
const device = 'urn:ietf:params:oauth:grant-type:device_code'
const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'akos-cli',
      client_name: 'akos',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: [device, 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    }, {
      client_id: client,
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: [device],
      response_types: [],
      redirect_uris: [],
    }],
    features: {
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: 'read write admin cli', audience: resource, accessTokenFormat: format,
          jwt: { sign: { alg: 'RS256' } },
        }),
        useGrantedResource: () => true,
      },
    },
    extraTokenClaims: () => ({ org_id: 'acme' }),
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
