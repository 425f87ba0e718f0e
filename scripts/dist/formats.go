package main

// A manifest is the manifest.json of an MCP bundle, as far as it is used here:
// https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md
type manifest struct {
	ManifestVersion string `json:"manifest_version"`
	Name            string `json:"name"`
	DisplayName     string `json:"display_name"`
	Version         string `json:"version"`
	Description     string `json:"description"`
	LongDescription string `json:"long_description"`
	Author          author `json:"author"`
	Homepage        string `json:"homepage"`
	Server          struct {
		Type       string  `json:"type"`
		EntryPoint string  `json:"entry_point"`
		Config     command `json:"mcp_config"`
	} `json:"server"`
	Tools            []tool            `json:"tools"`
	PromptsGenerated bool              `json:"prompts_generated"`
	Keywords         []string          `json:"keywords"`
	License          string            `json:"license"`
	Compatibility    compatibility     `json:"compatibility"`
	UserConfig       map[string]option `json:"user_config"`
}

type author struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type command struct {
	Command string   `json:"command"`
	Args    []string `json:"args"`
}

type tool struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type compatibility struct {
	Platforms []string `json:"platforms"`
}

type option struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Default     any    `json:"default"`
}

// A registryEntry is a server.json of the MCP registry.
type registryEntry struct {
	Schema      string            `json:"$schema"`
	Name        string            `json:"name"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Version     string            `json:"version"`
	WebsiteURL  string            `json:"websiteUrl"`
	Packages    []registryPackage `json:"packages"`
}

type registryPackage struct {
	RegistryType string    `json:"registryType"`
	Identifier   string    `json:"identifier"`
	Version      string    `json:"version"`
	FileSHA256   string    `json:"fileSha256"`
	Transport    transport `json:"transport"`
}

type transport struct {
	Type string `json:"type"`
}
