package akostest

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Hold is a stranger who keeps so many connections to a server, says text on
// each (HOST is the address), and opens each again that ends, until the test
// does. It returns once all are open.
func Hold(t testing.TB, address, text string, n int) {
	text = strings.ReplaceAll(text, "HOST", address)
	var first, all sync.WaitGroup
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended); all.Wait() })
	for range n {
		first.Add(1)
		all.Go(func() {
			opened := sync.OnceFunc(first.Done)
			defer opened()
			for {
				once(address, text, opened, ended)
				select {
				case <-ended:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
	first.Wait()
}

// once keeps one connection for as long as the server does.
func once(address, text string, opened func(), ended <-chan struct{}) {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-ended:
			_ = c.Close()
		case <-stop:
		}
	}()
	_, _ = io.WriteString(c, text) // it may have been let go already
	opened()
	_, _ = io.Copy(io.Discard, c)
}

// Served has somebody with a token ask ten times, on a new connection each
// time, and fails unless an answer is there within three seconds: not 401 or
// 503. Who is let go before they have asked, since the machine is busy, asks
// again.
func Served(t testing.TB, url, token string) {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 10 {
		start := time.Now()
		for {
			req, err := http.NewRequest(http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
			res, err := client.Do(req)
			if err == nil {
				_ = res.Body.Close()
				if res.StatusCode == http.StatusUnauthorized {
					t.Fatal("the token is not good")
				}
				if res.StatusCode == http.StatusServiceUnavailable {
					t.Error("refused")
				}
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("after %v: %v", took, err)
			}
			if err == nil || time.Since(start) > 3*time.Second {
				break
			}
		}
	}
}
