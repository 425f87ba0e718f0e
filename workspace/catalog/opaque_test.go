package catalog

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// plausibleNames are what people call keys and connections.
var plausibleNames = strings.Fields(`
OPENAI_API_KEY ANTHROPIC_API_KEY GEMINI_API_KEY MISTRAL_API_KEY GROQ_API_KEY OPENROUTER_API_KEY CO_API_KEY DEEPSEEK_API_KEY XAI_API_KEY
AZURE_OPENAI_API_KEY AWS_BEARER_TOKEN_BEDROCK AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECRET_ACCESS_KEY_PROD_EU_CENTRAL_1
AWS_S3_EU_V2_KEY_ID_FOR_DB_01 AWS_EC2_K8S_S3_RDS_SQS_SNS_KEY GITHUB_TOKEN GH_TOKEN GITHUB_PERSONAL_ACCESS_TOKEN GITHUB_APP_PRIVATE_KEY_PEM_BASE64
GITLAB_CI_JOB_TOKEN SLACK_BOT_TOKEN SLACK_SIGNING_SECRET SLACK_APP_LEVEL_TOKEN_XAPP LINEAR_API_KEY DISCORD_BOT_TOKEN SMTP_PASSWORD PGPASSWORD
MYSQL_PWD DATABASE_PASSWORD TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN SENTRY_AUTH_TOKEN PAGERDUTY_USER_API_KEY STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET
HUGGINGFACEHUB_API_TOKEN HF_TOKEN LANGCHAIN_API_KEY LANGSMITH_API_KEY PINECONE_API_KEY WEAVIATE_API_KEY QDRANT_API_KEY ELEVENLABS_API_KEY
CLOUDFLARE_API_TOKEN CLOUDFLARE_R2_SECRET_ACCESS_KEY DIGITALOCEAN_ACCESS_TOKEN HEROKU_API_KEY VERCEL_TOKEN NETLIFY_AUTH_TOKEN FLY_API_TOKEN
GOOGLE_APPLICATION_CREDENTIALS GOOGLE_OAUTH2_CLIENT_SECRET GCP_SERVICE_ACCOUNT_JSON_B64 FIREBASE_ADMIN_SDK_PRIVATE_KEY_V2 AZURE_CLIENT_SECRET
AZURE_STORAGE_CONNECTION_STRING AZURE_AD_B2C_CLIENT_SECRET NPM_TOKEN NODE_AUTH_TOKEN PYPI_API_TOKEN DOCKERHUB_PASSWORD JFROG_ARTIFACTORY_TOKEN
SONARQUBE_TOKEN DATADOG_API_KEY NEW_RELIC_LICENSE_KEY GRAFANA_CLOUD_API_KEY HONEYCOMB_API_KEY SPLUNK_HEC_TOKEN OPSGENIE_API_KEY JIRA_API_TOKEN
CONFLUENCE_TOKEN NOTION_API_KEY AIRTABLE_API_KEY HUBSPOT_PRIVATE_APP_TOKEN SALESFORCE_OAUTH2_REFRESH_TOKEN ZENDESK_API_TOKEN INTERCOM_ACCESS_TOKEN
SHOPIFY_ADMIN_API_ACCESS_TOKEN PAYPAL_CLIENT_SECRET PLAID_SECRET_SANDBOX MAILGUN_API_KEY SENDGRID_API_KEY POSTMARK_SERVER_TOKEN TELEGRAM_BOT_TOKEN
WHATSAPP_BUSINESS_ACCESS_TOKEN OAUTH2_PROXY_COOKIE_SECRET JWT_RS256_PRIVATE_KEY JWT_HS512_SIGNING_KEY SHA256_HMAC_KEY SHA512_HMAC_KEY_V2 ED25519_SSH_KEY
RSA4096_BACKUP_KEY AES256GCM_DATA_KEY CHACHA20_POLY1305_KEY X509_CLIENT_CERT_KEY PKCS12_PASSPHRASE TOTP_SEED_2024 BACKUP_KEY_2026_11_24
BACKUP_20261124T120000Z DB_PASS_2024Q3 KEY1 KEY_2 K TOKEN _PRIVATE_KEY __internal__ a b1 x-y-z
MyServiceApiTokenForProduction2 myServiceApiTokenForProduction2 MyOAuth2ApiV2TokenForS3AndEC2 XMLHttpRequestApiKey httpsProxyPasswordForCI
OpenAIApiKeyForTheBillingTeam getUserByIDServiceToken iOSPushNotificationKey2 GitHubAppWebhookSecret stripeLiveSecretKeyEU AzureADB2CClientSecretV2
awsSecretAccessKeyProdEuCentral1 S3BucketReplicationRoleKey K8sClusterAdminTokenProd3 PostgreSQLReplicationPassword MySQL8RootPassword
slack-bot-token slack.bot.token team-chat nightly code-search-prod acme-prod-eu-central-1-backup-2026-11-24 sk-learn-pipeline-v2 slack-team-chat-v2.1
github.com-acme-widgets-deploy-key api.openai.com-key llm-gpt-4o-mini-2024-07-18 claude-3-5-sonnet-20241022 gemini-2.5-flash-lite llama-3.3-70b-instruct
mcp-server-filesystem modelcontextprotocol-server-github postgres-cdc-orders-v12 s3-eu-west-1-archive-2019.2025 webhook-order-created-v3
sendgrid-smtp-relay-587 smtp.gmail.com-465 ci-runner-i18n-l10n-a11y k8s-prod-eu1-az2-node17 internationalization-service-token
production-kubernetes-cluster-admin-service-account-token the-token-of-the-build-server-in-the-cellar disk-usage-monitoring-of-production
customer-relationship-management-integration pagerduty.routing.primary twilio_sms_de_at_ch sentry-web-and-mobile-apps cron_every_5_minutes
geschaeftsfuehrungsschluessel Datenbankzugangspasswort_fuer_die_Buchhaltung Kraftfahrzeugversicherung_API_Schluessel clef_de_chiffrement_de_production
motDePasseDeLaBaseDeDonnees clave_de_acceso_a_la_base_de_datos contrasenaDelServidorDeCorreo senha_do_banco_de_dados chiave_di_accesso_produzione
wachtwoord_van_de_mailserver haslo_do_bazy_danych_produkcyjnej lozinka-za-server heslo_k_databazi salasana_tuotantopalvelimelle losenord_till_databasen
kalit_so_z veritabani_sifresi_uretim shujuku_mima_shengchan pasuwado_honban_kankyo sekyuriti-toukun mat_khau_co_so_du_lieu kunci_rahasia_produksi
conn-9cfb482a-81e3-4154-b5b9-2c805e70a02d slack-9CFB482A-81E3-4154-B5B9-2C805E70A02D conn_0123456789abcdef01234567 mongo-507f1f77bcf86cd799439011
release-da39a3e deploy-4f2c9b1 build-20261124.3 v1.24.0-rc.1 node-22.11.0-lts xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH WKHTMLTOPDF_BINARY_LICENSE_KEY TFSTATE_BACKEND_HTTP_PASSWORD GPG_PASSPHRASE_B64 RSYNC_SSH_KEY_PROD XKCD_RSS_TOKEN
K8S_S3_EC2_RDS_SQS_V2_B2C_P2P_H264_X509_I18N_L10N_W3C_Q4 SHA256_MD5SUM_CRC32_AES128_RC4_3DES_SHA3512_TLS13_KEY
OAUTH2_SAML20_IPV6_HTTP2_UTF16_BASE64_WIN32_X86_64_ARM64_KEY VPN_WG0_PSK WPA2_PSK_HOME MTLS_CRT_KEY_DEV HTTPS_PROXY_AUTH_BASIC RDS_PG15_PWD CRM_ERP_SSO_SAML_KEY ENV_VARS_FOR_QA_UAT_PPR_PRD
`)

func TestPlausibleNamesAreNotOpaque(t *testing.T) {
	if len(plausibleNames) < 200 {
		t.Fatalf("%d names", len(plausibleNames))
	}
	for _, s := range plausibleNames {
		if LooksOpaque(s) {
			t.Errorf("%s is opaque", s)
		}
	}
	for _, p := range Providers() {
		for _, s := range append(append([]string{p.ID}, p.RequiredKeys...), p.OptionalKeys...) {
			if LooksOpaque(s) {
				t.Errorf("%s: %s is opaque", p.ID, s)
			}
		}
	}
}

// TestTokensAreOpaque measures how many random tokens are found; each is
// looked for alone and as the end of a name.
func TestTokensAreOpaque(t *testing.T) {
	const n = 5000
	r := rand.New(rand.NewPCG(4, 5))
	for _, row := range []struct {
		name, letters string
		length        int
		want          float64 // of 100
	}{
		{"hex", hexLetters, 32, 99}, {"hex", hexLetters, 40, 99}, {"hex", hexLetters, 64, 99},
		{"base62", wordLetters, 32, 99}, {"base62", wordLetters, 43, 99}, {"base62", wordLetters, 24, 95},
		{"base64url", urlLetters, 32, 99}, {"base64url", urlLetters, 43, 99}, {"base64url", urlLetters, 86, 99},
		{"base64", wordLetters + "+/", 32, 99}, {"base64", wordLetters + "+/", 44, 99},
		{"base36", strings.ToLower(upperLetters), 32, 99}, {"base32", upperLetters[2:8] + upperLetters[10:], 32, 98},
		{"letters", wordLetters[10:], 32, 95},
	} {
		alone, named := 0, 0
		for range n {
			b := make([]byte, row.length)
			for i := range b {
				b[i] = row.letters[r.IntN(len(row.letters))]
			}
			if LooksOpaque(string(b)) {
				alone++
			}
			if LooksOpaque("production-slack-token-" + string(b)) {
				named++
			}
		}
		a, p := 100*float64(alone)/n, 100*float64(named)/n
		t.Logf("%-9s %d: %.2f %%, in a name %.2f %%", row.name, row.length, a, p)
		if a < row.want || p < row.want-1 {
			t.Errorf("%s of %d: found %.2f %%, in a name %.2f %%, want %.0f %%", row.name, row.length, a, p, row.want)
		}
	}
}

func TestOpaqueOrNot(t *testing.T) {
	token := base64.RawURLEncoding.EncodeToString([]byte(opaque(24, wordLetters)))
	for s, want := range map[string]bool{
		"": false, "-": false, strings.Repeat("1", 40): false, strings.Repeat("é", 40): false, strings.Repeat("fake", 20): false,
		opaque(31, hexLetters): false, opaque(32, hexLetters): true, strings.ToUpper(opaque(32, hexLetters)): true,
		"node@sha256:" + opaque(64, hexLetters): false, "node@sha:" + opaque(64, hexLetters): true,
		token: true, "Slack " + token + " key": true, token[:19]: false,
	} {
		if LooksOpaque(s) != want {
			t.Errorf("%q: opaque %v", s, !want)
		}
	}
	const uuid = "9cfb482a-81e3-4154-b5b9-2c805e70a02d"
	for s, want := range map[string]bool{
		uuid: true, strings.ToUpper(uuid): true, uuid[1:]: false, uuid + "0": false, "g" + uuid[1:]: false, strings.ReplaceAll(uuid, "-", "_"): false, strings.Repeat("-", 36): false,
	} {
		if IsUUID(s) != want {
			t.Errorf("%q: UUID %v", s, !want)
		}
	}
}

func FuzzLooksOpaque(f *testing.F) {
	f.Add("OPENAI_API_KEY")
	f.Add(opaque(43, urlLetters))
	f.Fuzz(func(t *testing.T, s string) {
		// What follows after a space can add to it, but takes nothing away.
		if LooksOpaque(s) && !LooksOpaque(s+" x") {
			t.Errorf("%q is opaque alone, and not with a word behind it", s)
		}
	})
}
