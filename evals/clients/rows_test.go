//go:build clients && linux

package clients

// A client is one row of the table.
type client struct {
	name     string
	cache    string // the directory below .cache that has it
	manifest string // its package, below node_modules there
	program  []string
	typed    string // what a person types for it
	known    string // what akos mcp config --client calls it: that command makes the entry for stdio
	file     string // where its entries are, below the home
	had      string // what else is in that file, a member of the object
	stdio    string // the entry for stdio of a client that akos mcp config does not know
	http     string // the entry for HTTP; $URL is the address
	url      string // the entry for HTTP of a client that logs in
	copies   bool   // it takes no variable in the place of $AKOS_MCP_TOKEN: the token is in the file
	env      []string
	list     []string   // arguments that have it list the tools, or begin a conversation
	login    []string   // arguments that have it log in, if it can without a window
	asksAll  bool       // it asks for every scope, not for those that the server names
	calls    [][]string // arguments that have it call tools, each with what has to come back
	prefix   string     // what stands before the name of a tool in what it prints, or gives a model
	note     string
}

// $MODEL in an argument or a variable is the address of noModel, $HOME the
// home of the box.
var rows = []client{
	{
		name: "Claude Code", cache: "clients", manifest: "@anthropic-ai/claude-code-linux-x64", program: []string{"@anthropic-ai/claude-code-linux-x64/claude"}, typed: "claude",
		known: "claude-code", file: ".claude.json",
		http: `{
  "mcpServers": {
    "akos": {
      "type": "http",
      "url": "$URL",
      "headers": { "Authorization": "Bearer ${AKOS_MCP_TOKEN}" }
    }
  }
}
`,
		url: `{
  "mcpServers": {
    "akos": {
      "type": "http",
      "url": "$URL"
    }
  }
}
`,
		login: []string{"mcp", "login", "akos"}, asksAll: true,
		env:    []string{"ANTHROPIC_API_KEY=fake-key", "ANTHROPIC_BASE_URL=$MODEL", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "ENABLE_TOOL_SEARCH=false"},
		list:   []string{"-p", "hello", "--debug-file", "/dev/stderr"},
		prefix: "mcp__akos__",
		note:   "Prompts become commands: `/mcp__akos__onboard-provider`",
	},
	{
		name: "Codex", cache: "clients", manifest: "@openai/codex", program: []string{"@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex"}, typed: "codex",
		known: "codex", file: ".codex/config.toml",
		http: `[mcp_servers.akos]
url = "$URL"
bearer_token_env_var = "AKOS_MCP_TOKEN"
`,
		url: `[mcp_servers.akos]
url = "$URL"
`,
		login: []string{"mcp", "login", "akos"},
		env:   []string{"OPENAI_API_KEY=fake-key"},
		list: []string{"exec", "--skip-git-repo-check", "-m", "gpt-4.1", "-c", "model_provider=none", "-c",
			`model_providers.none={name="none",base_url="$MODEL/v1",wire_api="responses",env_key="OPENAI_API_KEY",request_max_retries=0,stream_max_retries=0}`, "hello"},
		prefix: `"name":"`, // in a namespace, which has the name of the server
		note:   "Its newer models are told of the server in a line, and search for its tools; seen with one that gets a list",
	},
	{
		name: "Gemini CLI", cache: "clients", manifest: "@google/gemini-cli", program: []string{"node", "@google/gemini-cli/bundle/gemini.js"}, typed: "gemini",
		known: "gemini", file: ".gemini/settings.json", had: `"security": {"auth": {"selectedType": "gemini-api-key"}}`,
		http: `{
  "mcpServers": {
    "akos": {
      "httpUrl": "$URL",
      "headers": { "Authorization": "Bearer $AKOS_MCP_TOKEN" }
    }
  }
}
`,
		env:    []string{"GEMINI_API_KEY=fake-key", "GOOGLE_GEMINI_BASE_URL=$MODEL", "GEMINI_TELEMETRY_ENABLED=false"},
		list:   []string{"--skip-trust", "--approval-mode", "yolo", "-m", "gemini-2.5-flash", "-p", "hello"},
		prefix: "mcp_akos_",
		note:   "It starts no server in a folder that it does not trust; without a person (`-p`) it offers a model only tools that need no approval",
	},
	{
		name: "opencode", cache: "clients", manifest: "opencode-linux-x64-baseline", program: []string{"opencode-linux-x64-baseline/bin/opencode"}, typed: "opencode",
		file: ".config/opencode/opencode.json",
		stdio: `{
  "mcp": {
    "akos": {
      "type": "local",
      "command": ["$COMMAND"]
    }
  }
}
`,
		http: `{
  "mcp": {
    "akos": {
      "type": "remote",
      "url": "$URL",
      "headers": { "Authorization": "Bearer {env:AKOS_MCP_TOKEN}" }
    }
  }
}
`,
		url: `{
  "mcp": {
    "akos": {
      "type": "remote",
      "url": "$URL"
    }
  }
}
`,
		login: []string{"mcp", "auth", "akos"},
		env: []string{"OPENCODE_DISABLE_MODELS_FETCH=1", `OPENCODE_CONFIG_CONTENT={"model":"none/none","small_model":"none/none","autoupdate":false,"provider":{"none":` +
			`{"npm":"@ai-sdk/openai-compatible","options":{"baseURL":"$MODEL/v1","apiKey":"fake-key"},"models":{"none":{"tool_call":true}}}}}`},
		list:   []string{"run", "--print-logs", "hello"},
		prefix: `"name":"akos_`,
	},
	{
		name: "qwen-code", cache: "clients", manifest: "@qwen-code/qwen-code", program: []string{"node", "@qwen-code/qwen-code/cli-entry.js"}, typed: "qwen",
		known: "generic", file: ".qwen/settings.json",
		http: `{
  "mcpServers": {
    "akos": {
      "httpUrl": "$URL",
      "headers": { "Authorization": "Bearer $AKOS_MCP_TOKEN" }
    }
  }
}
`,
		env:    []string{"OPENAI_API_KEY=fake-key", "OPENAI_BASE_URL=$MODEL/v1", "OPENAI_MODEL=none"},
		list:   []string{"--auth-type", "openai", "-p", "hello"},
		prefix: "mcp__akos__",
		note:   "A model is given the names, and searches for the rest",
	},
	{
		name: "mcporter", cache: "clients", manifest: "mcporter", program: []string{"node", "mcporter/dist/cli.js"}, typed: "mcporter",
		known: "generic", file: ".mcporter/mcporter.json",
		http: `{
  "mcpServers": {
    "akos": {
      "url": "$URL",
      "headers": { "Authorization": "Bearer ${AKOS_MCP_TOKEN}" }
    }
  }
}
`,
		url: `{
  "mcpServers": {
    "akos": {
      "url": "$URL"
    }
  }
}
`,
		login: []string{"auth", "akos"},
		list:  []string{"list", "akos", "--json"},
		calls: [][]string{
			{"call", "akos.workspace_status", "--output", "json", `"id"`},
			{"call", "akos.creds_check", `provider=["slack"]`, "--output", "json", plantedKey},
			{"call", "akos.vault_list", "--output", "json", plantedKey},
		},
		prefix: `"name": "`,
		note:   "Calls of `workspace_status`, `creds_check`, `vault_list` seen too",
	},
	inspector("legacy"),
	inspector("modern"),
}

// inspector is the official inspector in one of the two eras.
func inspector(era string) client {
	args := func(more ...string) []string {
		return append([]string{"--cli", "--config", "$HOME/mcp.json", "--server", "akos", "--protocol-era", era, "--method"}, more...)
	}
	return client{
		name: "Inspector, " + era + " era", cache: "npm", manifest: "@modelcontextprotocol/inspector",
		program: []string{"node", ".bin/mcp-inspector"}, typed: "mcp-inspector",
		known: "generic", file: "mcp.json", copies: true,
		http: `{
  "mcpServers": {
    "akos": {
      "type": "streamable-http",
      "url": "$URL",
      "headers": { "Authorization": "Bearer $AKOS_MCP_TOKEN" }
    }
  }
}
`,
		url: `{
  "mcpServers": {
    "akos": {
      "type": "streamable-http",
      "url": "$URL"
    }
  }
}
`,
		login: args("initialize"), asksAll: true,
		env:  []string{"MCP_INSPECTOR_SECRET_STORE=file"},
		list: args("tools/list", "--strict"),
		calls: [][]string{
			args("tools/call", "--tool-name", "workspace_status", `"id"`),
			args("tools/call", "--tool-name", "creds_check", "--tool-arg", `provider=["slack"]`, plantedKey),
			args("tools/call", "--tool-name", "vault_list", plantedKey),
		},
		prefix: `"name": "`,
		note:   "`--strict` finds nothing in the schemas; calls of `workspace_status`, `creds_check`, `vault_list` seen too",
	}
}
