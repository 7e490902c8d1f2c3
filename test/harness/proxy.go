package harness

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// Proxy passes TCP connections on to a server and shows what the server sends
// before the client gets it: the place to break things between an answer and
// the one it is for.
type Proxy struct {
	Addr string

	mu       sync.Mutex
	target   string
	onAnswer func([]byte) bool
	listener net.Listener
	wg       sync.WaitGroup
}

// StartProxy listens on a free port.
func StartProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the proxy: %w", err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, listener: l}
	p.wg.Go(p.serve)
	return p, nil
}

// SetTarget changes where connections from now on go.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// OnAnswer sets a function that sees each piece of the server's output first and
// returns false to close the connection instead of passing it on.
func (p *Proxy) OnAnswer(f func([]byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onAnswer = f
}

// Close stops listening and waits for the connections to end.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.wg.Wait()
	return err
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.pass(client) })
	}
}

func (p *Proxy) pass(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		if n > 0 && !p.show(b[:n]) {
			return
		}
		if _, werr := client.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *Proxy) show(b []byte) bool {
	p.mu.Lock()
	f := p.onAnswer
	p.mu.Unlock()
	return f == nil || f(b)
}
