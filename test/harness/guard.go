package harness

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// guardian runs a program in the foreground and ends it when its own standard input is
// closed, so when the process that started it ends, however that ends. (A
// parent-death signal would not do: the kernel clears it when a server changes its
// effective user.)
const guardian = `exec 3<&0
"$@" 3<&- & server=$!
(read -r _ <&3; kill $server) & reader=$!
wait $server
kill $reader`

// guarded is a server that ends with us.
type guarded struct {
	stdin io.Closer
	ended chan struct{} // closed when it has ended
}

// startGuarded starts a server in the foreground; what it writes goes to output.
func startGuarded(output *Buffer, env []string, command ...string) (*guarded, error) {
	cmd := exec.Command("sh", append([]string{"-c", guardian, "sh"}, command...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = 10 * time.Second // for what the server started and left behind
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	g := &guarded{stdin: stdin, ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(g.ended) }()
	return g, nil
}

// stop ends the server and waits for it.
func (g *guarded) stop() error {
	_ = g.stdin.Close()
	select {
	case <-g.ended:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("stop the server: %w", ErrTimeout)
	}
}
