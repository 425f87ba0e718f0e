package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/tools"
)

var platforms = []string{"linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64", "windows-arm64"}

// toolNames returns the names of the tools that a server has.
func toolNames() (names []string) {
	for _, t := range tools.Catalog() {
		if t.CLIOnly == "" {
			names = append(names, t.ID())
		}
	}
	return names
}

// chosen returns the arguments of a manifest with what a person chose.
func chosen(m manifest, choice map[string]string) (args []string) {
	for _, a := range m.Server.Config.Args {
		for name, value := range choice {
			a = strings.ReplaceAll(a, "${user_config."+name+"}", value)
		}
		args = append(args, a)
	}
	return args
}

// TestManifest: a manifest has the fields that the specification of version
// 0.3 requires and none that it does not know, names the tools of the server,
// and starts it with flags that it has.
func TestManifest(t *testing.T) {
	known := map[string]string{
		"":               "manifest_version name display_name version description long_description author homepage server tools prompts_generated keywords license compatibility user_config",
		"author":         "name url",
		"server":         "type entry_point mcp_config",
		"mcp_config":     "command args",
		"tools":          "name description",
		"compatibility":  "platforms",
		"user_config.*":  "type title description default",
		"allowed.option": "string number boolean directory file",
	}
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) {
			binary := "akos-mcp"
			if strings.HasPrefix(platform, "windows") {
				binary += ".exe"
			}
			m, err := manifestOf(platform, binary, "1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			b, err := indented(m)
			if err != nil {
				t.Fatal(err)
			}
			var all map[string]any
			if err := json.Unmarshal(b, &all); err != nil {
				t.Fatal(err)
			}
			object := func(name string, v any) map[string]any {
				t.Helper()
				o, ok := v.(map[string]any)
				if !ok {
					t.Fatalf("%s is no object", name)
				}
				for _, key := range strings.Fields(known[name]) {
					if o[key] == nil || o[key] == "" {
						t.Errorf("%s lacks %s", name, key)
					}
				}
				for key := range o {
					if !slices.Contains(strings.Fields(known[name]), key) {
						t.Errorf("%s has an unknown %s", name, key)
					}
				}
				return o
			}
			object("", all)
			object("author", all["author"])
			object("compatibility", all["compatibility"])
			server := object("server", all["server"])
			object("mcp_config", server["mcp_config"])
			for _, tool := range all["tools"].([]any) {
				object("tools", tool)
			}
			for name, o := range all["user_config"].(map[string]any) {
				o := object("user_config.*", o)
				if !slices.Contains(strings.Fields(known["allowed.option"]), o["type"].(string)) {
					t.Errorf("%s has the type %v", name, o["type"])
				}
				if !strings.Contains(strings.Join(m.Server.Config.Args, " "), "${user_config."+name+"}") {
					t.Errorf("nothing uses the option %s", name)
				}
			}
			if m.ManifestVersion != "0.3" || m.Server.Type != "binary" || m.Version != "1.2.3" || m.Server.Config.Command != "${__dirname}/"+m.Server.EntryPoint {
				t.Errorf("the manifest is %s", b)
			}
			want := map[string]string{"linux": "linux", "darwin": "darwin", "windows": "win32"}[strings.Split(platform, "-")[0]]
			if !slices.Equal(m.Compatibility.Platforms, []string{want}) {
				t.Errorf("it is for %q", m.Compatibility.Platforms)
			}
			var names []string
			for _, tool := range m.Tools {
				names = append(names, tool.Name)
			}
			if !slices.Equal(names, toolNames()) {
				t.Errorf("it names %q, the server has %q", names, toolNames())
			}
			for _, readOnly := range []string{"true", "false"} {
				args := chosen(m, map[string]string{"workspace": "default", "read_only": readOnly})
				var out, errs bytes.Buffer
				code := mcpserver.Run(mcpserver.System{Out: &out, Err: &errs, Args: append(args, "--version"), Version: "1.2.3"})
				if code != 0 || strings.Contains(strings.Join(args, " "), "$") {
					t.Errorf("akos-mcp %q: exit %d: %s", args, code, &errs)
				}
			}
		})
	}
	if _, err := manifestOf("plan9-amd64", "akos-mcp", "1.2.3"); err == nil {
		t.Error("a platform that no host has")
	}
}

// fakeBuild makes what make dist builds, with other bytes.
func fakeBuild(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, platform := range platforms {
		suffix := ""
		if strings.HasPrefix(platform, "windows") {
			suffix = ".exe"
		}
		for _, name := range []string{"akos", "akos-mcp"} {
			path := filepath.Join(dir, platform, name+suffix)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("the program "+platform+name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestRelease: the entry for the registry has the fields of its schema, each
// checksum is right, and the same build makes the same bytes.
func TestRelease(t *testing.T) {
	dir, again := fakeBuild(t), fakeBuild(t)
	for _, d := range []string{dir, again} {
		if err := release(d, "1.2.3", "https://example.com/releases/VERSION"); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "server.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var e registryEntry
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	if e.Schema != registrySpec || !regexp.MustCompile(`^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$`).MatchString(e.Name) || len(e.Description) == 0 || len(e.Description) > 100 ||
		len(e.Title) == 0 || len(e.Title) > 100 || e.Version != "1.2.3" || !strings.HasPrefix(e.WebsiteURL, "https://") || len(e.Packages) != len(platforms) {
		t.Errorf("the entry is %s", data)
	}
	for _, p := range e.Packages {
		if p.RegistryType != "mcpb" || p.Version != "1.2.3" || p.Transport.Type != "stdio" || !regexp.MustCompile(`^https://example\.com/releases/v1\.2\.3/akos-mcp-1\.2\.3-[a-z0-9]+-[a-z0-9]+\.mcpb$`).MatchString(p.Identifier) {
			t.Errorf("the package is %+v", p)
		}
		if got := sum(t, filepath.Join(dir, filepath.Base(p.Identifier))); got != p.FileSHA256 {
			t.Errorf("%s: the checksum is %s, the entry says %s", p.Identifier, got, p.FileSHA256)
		}
	}
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"SHA256SUMS": true}
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		listed[name] = true
		if got := sum(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s: the checksum is %s, the list says %s", name, got, want)
		}
		if sum(t, filepath.Join(again, name)) != want {
			t.Errorf("%s differs when it is made again", name)
		}
	}
	err = filepath.WalkDir(dir, func(path string, f os.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err == nil && !f.IsDir() && !listed[filepath.ToSlash(name)] {
			t.Errorf("%s has no checksum", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := release(t.TempDir(), "1.2.3", ""); err == nil {
		t.Error("a release of nothing")
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func TestSemver(t *testing.T) {
	for in, want := range map[string]string{
		"v1.2.3": "1.2.3", "1.2.3": "1.2.3", "v1.2.3-4-gb2433bf": "1.2.3-4-gb2433bf", "v1.2.3-dirty": "1.2.3-dirty",
		"b2433bf-dirty": "0.0.0-gb2433bf-dirty", "0012345": "0.0.0-g0012345", "dev": "0.0.0-gdev", "": "0.0.0-dev",
	} {
		if got := semver(in); got != want || !isSemver.MatchString(got) {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestBundleStarts: unpacked and started as its manifest says, a bundle is a
// server with the tools that the manifest names.
func TestBundleStarts(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "akos-mcp")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/akos-mcp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := bundle(binary, runtime.GOOS+"-"+runtime.GOARCH, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "unpacked", filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), f.Mode()); err != nil {
			t.Fatal(err)
		}
		if f.Name == "manifest.json" {
			if err := json.Unmarshal(b.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
		}
	}
	choice := map[string]string{}
	for name, o := range m.UserConfig {
		b, err := json.Marshal(o.Default)
		if err != nil {
			t.Fatal(err)
		}
		choice[name] = strings.Trim(string(b), `"`)
	}
	cmd := exec.Command(strings.ReplaceAll(m.Server.Config.Command, "${__dirname}", filepath.Join(dir, "unpacked")), chosen(m, choice)...)
	cmd.Env = []string{"HOME=" + dir, "AKOS_HOME=" + filepath.Join(dir, "home"), "AKOS_VAULT=file"}
	cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"workspace_status"}}` + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers [2]struct {
		Result struct {
			IsError bool
			Tools   []struct{ Name string }
		}
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(answers) {
		t.Fatalf("it says %s", out)
	}
	names := map[string]bool{}
	for i, line := range lines {
		if err := json.Unmarshal(line, &answers[i]); err != nil {
			t.Fatal(err)
		}
		for _, tool := range answers[i].Result.Tools {
			names[tool.Name] = true
		}
	}
	want := toolNames()
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, want) || answers[1].Result.IsError {
		t.Errorf("it has the tools %q: %s", got, lines[1])
	}
}
