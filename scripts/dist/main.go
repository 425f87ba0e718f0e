// Dist makes of built binaries what a release holds: an MCP bundle for each
// platform, the entry for the MCP registry, and the checksums. It reads the
// catalog of tools, so that neither file can name another one than the server.
//
// It builds nothing and uploads nothing: make dist builds, a person publishes.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/akos/mcpserver"
	"example.com/akos/tools"
)

const (
	home          = "https://example.com/akos"
	registryName  = "com.example/akos"
	registrySpec  = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
	bundleVersion = "0.3" // of MCPB's manifest
)

func main() {
	dir := flag.String("dir", "dist", "directory with a directory OS-ARCH for each platform")
	version := flag.String("version", "", "version of the release")
	url := flag.String("url", home+"/releases/download/VERSION", "where the files will be; VERSION stands for the version")
	flag.Parse()
	if err := release(*dir, semver(*version), *url); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

var isSemver = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// semver returns what git describe says as a semantic version: neither the
// bundle nor the registry takes another.
func semver(describe string) string {
	if v := strings.TrimPrefix(describe, "v"); isSemver.MatchString(v) {
		return v
	}
	if describe == "" {
		return "0.0.0-dev"
	}
	return "0.0.0-g" + describe
}

// release makes the files of a release in dir.
func release(dir, version, url string) error {
	platforms, err := filepath.Glob(filepath.Join(dir, "*-*", "akos-mcp*"))
	if err != nil || len(platforms) == 0 {
		return fmt.Errorf("%s holds no binaries (%v): make dist", dir, err)
	}
	var packages []registryPackage
	var sums strings.Builder
	add := func(name string, data []byte) string {
		sum := sha256.Sum256(data)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), name)
		return hex.EncodeToString(sum[:])
	}
	url = strings.ReplaceAll(url, "VERSION", "v"+version)
	for _, binary := range platforms {
		platform := filepath.Base(filepath.Dir(binary))
		files, err := os.ReadDir(filepath.Dir(binary))
		if err != nil {
			return err
		}
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(dir, platform, f.Name()))
			if err != nil {
				return err
			}
			add(platform+"/"+f.Name(), data)
		}
		data, err := bundle(binary, platform, version)
		if err != nil {
			return err
		}
		name := "akos-mcp-" + version + "-" + platform + ".mcpb"
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
		packages = append(packages, registryPackage{RegistryType: "mcpb", Identifier: url + "/" + name, Version: version,
			FileSHA256: add(name, data), Transport: transport{Type: "stdio"}})
	}
	entry, err := indented(registryEntry{Schema: registrySpec, Name: registryName, Title: "akos", Description: mcpserver.About,
		Version: version, WebsiteURL: home, Packages: packages})
	if err != nil {
		return err
	}
	add("server.json", entry)
	if err := os.WriteFile(filepath.Join(dir, "server.json"), entry, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// bundle returns the MCP bundle of one binary. Its bytes depend on nothing but
// that and the version.
func bundle(binary, platform, version string) ([]byte, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	m, err := manifestOf(platform, filepath.Base(binary), version)
	if err != nil {
		return nil, err
	}
	text, err := indented(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, f := range []struct {
		name string
		data []byte
		mode os.FileMode
	}{{"manifest.json", text, 0o644}, {m.Server.EntryPoint, program, 0o755}} {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// manifestOf returns the manifest of the bundle for a platform, such as
// linux-amd64.
func manifestOf(platform, binary, version string) (manifest, error) {
	goos, _, _ := strings.Cut(platform, "-")
	host, ok := map[string]string{"linux": "linux", "darwin": "darwin", "windows": "win32"}[goos]
	if !ok {
		return manifest{}, fmt.Errorf("there is no bundle for %s", platform)
	}
	m := manifest{
		ManifestVersion: bundleVersion, Name: "akos", DisplayName: "akos", Version: version, Description: mcpserver.About,
		LongDescription: "API keys and tokens in a vault that agents use and never see. No tool takes or returns a secret value: a person enters it outside of the conversation.",
		Author:          author{Name: "The akos authors", URL: home}, Homepage: home, License: "Apache-2.0",
		Keywords:         []string{"credentials", "secrets", "vault"},
		PromptsGenerated: true, // their texts depend on the arguments
		Compatibility:    compatibility{Platforms: []string{host}},
		UserConfig: map[string]option{
			"workspace": {Type: "string", Title: "Workspace", Description: "Directory with an akos.config.yaml, or the id of a workspace", Default: "default"},
			"read_only": {Type: "boolean", Title: "Read-only", Description: "Offer only the tools that change nothing", Default: false},
		},
	}
	m.Server.Type, m.Server.EntryPoint = "binary", "server/"+binary
	m.Server.Config = command{Command: "${__dirname}/server/" + binary,
		Args: []string{"--workspace", "${user_config.workspace}", "--read-only=${user_config.read_only}"}}
	for _, t := range tools.Catalog() {
		if t.CLIOnly == "" {
			m.Tools = append(m.Tools, tool{t.ID(), t.Short})
		}
	}
	return m, nil
}

func indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
