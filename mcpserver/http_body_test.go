package mcpserver_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/mcpserver"
)

// TestHTTPLarge: whoever waits for a person, or for what may come, keeps no
// place that others need for a large message.
func TestHTTPLarge(t *testing.T) {
	h := entryHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "bob", "beta")
	w := overHTTP(t, h, mcpserver.Options{})
	token := h.token(t, "ada", "acme", "write")
	ada, bob := w.connectAs(token, `{"elicitation":{"url":{}}}`), w.connect(h.token(t, "bob", "beta", "read"))
	pad := `"pad":"` + strings.Repeat("p", 70_000) + `",`
	padded := func(body string) string { return strings.Replace(body, `"params":{`, `"params":{`+pad, 1) }
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			ada.post(padded(request(i, "vault_put", fmt.Sprintf(`{"key":"KEY_%d"}`, i)))).is(413, -32600)
		})
	}
	wg.Go(func() {
		w.modern(token, "tools/call", "vault_put", pad+`"name":"vault_put","arguments":{"key":"A"}`).is(413, -32600)
	})
	wg.Go(func() {
		w.modern(token, "subscriptions/listen", "", pad+`"notifications":{"toolsListChanged":true}`).is(413, -32600)
	})
	time.Sleep(200 * time.Millisecond) // they are there
	sent := time.Now()
	bob.post(padded(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":0}}`)).is(200, 0)
	bob.post(padded(request(2, "vault_list", `{}`))).is(200, 0)
	if took := time.Since(sent); took > 5*time.Second {
		t.Errorf("others waited %v", took)
	}
	wg.Wait()
	if r := ada.post(padded(request(1, "vault_put", `{"key":"A"}`))); !strings.Contains(r.body, "tools/call of vault_put may have 64 KiB") {
		t.Errorf("%s", r.body)
	}
}

// TestHTTPTrickle: whoever sends many large messages, and none to its end, keeps
// nobody else's away.
func TestHTTPTrickle(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "bob", "beta")
	w := overHTTP(t, h, mcpserver.Options{})
	token := h.token(t, "ada", "acme", "read")
	bob := w.connect(h.token(t, "bob", "beta", "read"))
	address := strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/mcp")
	for range 20 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			address, token, 4<<20, strings.Repeat(" ", 70_000)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond) // they are there
	sent := time.Now()
	bob.post(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"pad":"`+strings.Repeat("p", 70_000)+`"}}`).is(200, 0)
	if took := time.Since(sent); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
