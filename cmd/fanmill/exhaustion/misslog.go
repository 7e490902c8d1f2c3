package exhaustion

import (
	"fmt"
	"os"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/training/exhaust"
)

func missLine(m exhaust.Miss) string {
	return fmt.Sprintf("%-4s  %.4f  %s  %s", m.Message.Class, m.Message.Last.P, cli.Fit(m.Message.Name(), 70), cli.Fit(m.Reason, 120))
}

// missLog is the file of --log; nil does nothing.
type missLog struct{ f *os.File }

func openLog(path string) (*missLog, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, cli.WithCode(cli.ExitCantCreate, fmt.Errorf("open log: %w", err))
	}
	return &missLog{f}, nil
}

// round writes what a round has missed.
func (l *missLog) round(line string, list []*exhaust.Message, compared exhaust.Compared) error {
	if l == nil {
		return nil
	}
	b := []byte(time.Now().Format(time.DateTime) + " " + line + "\n")
	for _, m := range exhaust.Misses(list, compared) {
		b = append(b, missLine(m)+"\n"...)
	}
	if _, err := l.f.Write(b); err != nil {
		return cli.WithCode(cli.ExitIO, fmt.Errorf("write log: %w", err))
	}
	return nil
}

func (l *missLog) close() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}
