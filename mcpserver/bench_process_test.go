package mcpserver_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkProcess measures whole processes over pipes, beside the least
// server that the library makes (testdata/bare). The figures of one run are
// compared with one another; machines are too noisy for anything else.
//
//	cold     from exec to the answer to tools/list
//	one      one call at a time
//	pipe     16 calls in flight
func BenchmarkProcess(b *testing.B) {
	bin := b.TempDir()
	build := exec.Command("go", "build", "-o", bin, "../cmd/akos-mcp", "../cmd/akos", "./testdata/bare")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	home := b.TempDir()
	env := []string{"PATH=" + bin, "HOME=" + home, "AKOS_HOME=" + home + "/akos", "AKOS_VAULT=file"}
	dotenv := filepath.Join(home, "keys")
	var text []byte
	for i := range 100 {
		text = fmt.Appendf(text, "KEY_%d=fake-value-%d\n", i, i)
	}
	if err := os.WriteFile(dotenv, text, 0o600); err != nil {
		b.Fatal(err)
	}
	fill := exec.Command(filepath.Join(bin, "akos"), "vault", "import", dotenv)
	fill.Env = env
	if out, err := fill.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, server := range []struct{ name, program, tool, args string }{
		{"bare-echo", "bare", "echo", `{"text":"hello"}`},
		{"akos-auth_status", "akos-mcp", "auth_status", `{}`},
		{"akos-vault_list-100", "akos-mcp", "vault_list", `{}`},
	} {
		start := func(b *testing.B) *process { return startProcess(b, filepath.Join(bin, server.program), env) }
		b.Run(server.name+"/cold", func(b *testing.B) {
			for range b.N {
				p := start(b)
				p.ask(b, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
				p.stop(b)
			}
		})
		call := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, server.tool, server.args)
		b.Run(server.name+"/one", func(b *testing.B) {
			p := start(b)
			b.ResetTimer()
			for range b.N {
				p.ask(b, call)
			}
			b.StopTimer()
			p.stop(b)
		})
		b.Run(server.name+"/pipe", func(b *testing.B) {
			p := start(b)
			b.ResetTimer()
			places := make(chan struct{}, 16)
			go func() {
				for range b.N {
					places <- struct{}{}
					if _, err := io.WriteString(p.in, call+"\n"); err != nil {
						return // the reader below finds out
					}
				}
			}()
			for range b.N {
				p.read(b)
				<-places
			}
			b.StopTimer()
			p.stop(b)
		})
	}
}

// A process is an initialized server.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startProcess(b *testing.B, path string, env []string) *process {
	b.Helper()
	cmd := exec.Command(path)
	cmd.Env = env
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd, in, bufio.NewReaderSize(out, 1<<16)}
	p.ask(b, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	return p
}

func (p *process) ask(b *testing.B, line string) {
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		b.Fatal(err)
	}
	p.read(b)
}

func (p *process) read(b *testing.B) {
	for {
		_, err := p.out.ReadSlice('\n')
		if err == nil {
			return
		}
		if err != bufio.ErrBufferFull {
			b.Fatal(err)
		}
	}
}

func (p *process) stop(b *testing.B) {
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}
