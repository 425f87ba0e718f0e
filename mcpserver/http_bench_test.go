package mcpserver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
)

// BenchmarkHTTP measures whole processes over HTTP, 8 clients with a call each
// in flight, beside the least server that the library makes, which checks no
// token. p99 and the processor time of the server are reported too. The figures of one run are compared with one
// another.
func BenchmarkHTTP(b *testing.B) {
	bin := b.TempDir()
	build := exec.Command("go", "build", "-o", bin, "../cmd/akos-mcp", "../cmd/akos", "./testdata/bare")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	home := b.TempDir()
	env := []string{"PATH=" + bin, "HOME=" + home, "AKOS_HOME=" + home + "/akos", "AKOS_VAULT=file"}
	run := func(in string, args ...string) {
		cmd := exec.Command(filepath.Join(bin, "akos"), args...)
		cmd.Env, cmd.Stdin, cmd.Dir = env, strings.NewReader(in), home
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "KEY_%d=fake-value-%d\n", i, i)
	}
	if err := os.WriteFile(filepath.Join(home, "keys"), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	run("", "vault", "import", "keys")
	run("a fake password of ada", "user", "add", "ada", "--password-stdin")
	run("", "token", "create", "--name", "bench", "--out", "token")
	token, err := os.ReadFile(filepath.Join(home, "token"))
	if err != nil {
		b.Fatal(err)
	}
	serve := func(b *testing.B, program string, args ...string) (addr string, stop func() time.Duration) {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Env, cmd.Dir = env, home
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		stop = func() time.Duration {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		addr = args[len(args)-1]
		for range 500 {
			if c, err := net.Dial("tcp", addr); err == nil {
				c.Close()
				return addr, stop
			}
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		b.Fatal(program, " does not listen")
		return "", nil
	}
	for _, s := range []struct{ name, program, tool, args, auth string }{
		{"bare-echo", "bare", "echo", `{"text":"hello"}`, ""},
		{"akos-auth_status", "akos-mcp", "auth_status", `{}`, "Authorization: Bearer " + strings.TrimSpace(string(token)) + "\r\n"},
		{"akos-vault_list-100", "akos-mcp", "vault_list", `{}`, "Authorization: Bearer " + strings.TrimSpace(string(token)) + "\r\n"},
	} {
		b.Run(s.name, func(b *testing.B) {
			args := []string{akostest.FreeAddr(b)}
			if s.program == "akos-mcp" {
				args = []string{"--http", args[0]}
			}
			addr, stop := serve(b, s.program, args...)
			const clients = 8
			var all [clients]*rawClient
			for i := range all {
				all[i] = dialRaw(b, addr, s.auth)
			}
			call := all[0].request(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, s.tool, s.args))
			times := make([]time.Duration, b.N)
			var wg sync.WaitGroup
			var mu sync.Mutex
			next := 0
			b.ResetTimer()
			for _, c := range all {
				request := strings.Replace(call, all[0].session, c.session, 1)
				wg.Go(func() {
					for {
						mu.Lock()
						n := next
						next++
						mu.Unlock()
						if n >= b.N {
							return
						}
						start := time.Now()
						if err := c.do(request); err != nil {
							b.Error(err)
							return
						}
						times[n] = time.Since(start)
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(stop().Microseconds())/float64(b.N), "cpu-µs/call")
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// A rawClient is a connection with a session, and as little of a client as
// there can be.
type rawClient struct {
	net.Conn
	r       *bufio.Reader
	session string
	auth    string
}

func dialRaw(t testing.TB, addr, auth string) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &rawClient{conn, bufio.NewReader(conn), "", auth}
	if _, err := io.WriteString(conn, c.request(initialize)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %d %s", err, res.StatusCode, body)
	}
	c.session = res.Header.Get("Mcp-Session-Id")
	return c
}

func (c *rawClient) request(body string) string {
	session := ""
	if c.session != "" {
		session = "Mcp-Session-Id: " + c.session + "\r\nMcp-Protocol-Version: 2025-11-25\r\n"
	}
	return fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n%s%sContent-Length: %d\r\n\r\n%s",
		c.RemoteAddr(), c.auth, session, len(body), body)
}

var refused = regexp.MustCompile(`"error":|"isError":true`)

func (c *rawClient) do(request string) error {
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || refused.Match(body)) {
		err = fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return err
}
