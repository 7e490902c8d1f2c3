package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"golang.org/x/term"
)

// Env is all that a command has of the world outside.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	DefaultData    string // used when it exists and nothing else is named
	DefaultConfig  string // likewise
	DefaultInet    string // where serve listens without a configuration, beside milter.sock
	Postconf       string // Postfix's tool that doctor asks
	SendmailCf     string // Sendmail's configuration that doctor reads
	GiveWay        func() // called by commands that work for long; nil: they do not

	Args []string // what stands on the command line beside the flags
	common
}

// common are the flags that every command has.
type common struct {
	Data   string
	Config string
}

// DataDir returns the absolute data directory: --data, FANMILL_DATA, or the
// default where it exists. It need not exist when it was named.
func (e *Env) DataDir() (string, error) {
	dir := e.Data
	if dir == "" {
		dir = e.Getenv("FANMILL_DATA")
	}
	if dir == "" {
		if fi, err := os.Stat(e.DefaultData); err != nil || !fi.IsDir() {
			return "", Hint(UsageErrorf("no data directory: %s does not exist", e.DefaultData),
				"say where the data is with --data DIR, or set FANMILL_DATA")
		}
		dir = e.DefaultData
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find data directory %s: %w", dir, err)
	}
	if fi, err := os.Stat(abs); err == nil && !fi.IsDir() {
		return "", WithCode(ExitCantCreate, fmt.Errorf("data directory %s is not a directory", abs))
	}
	return abs, nil
}

// ExistingData is dataDir for commands that only read: the directory must be
// there.
func (e *Env) ExistingData() (string, error) {
	dir, err := e.DataDir()
	if err != nil {
		return "", err
	}
	_, err = os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", Hint(WithCode(ExitNoInput, fmt.Errorf("data directory %s does not exist", dir)),
			"check --data and FANMILL_DATA; `fanmill train` and `fanmill serve` create it")
	}
	if err != nil {
		return "", fmt.Errorf("open data directory: %w", err)
	}
	return dir, nil
}

// ConfigPath returns the configuration file: --config, or the default where it
// exists; "" means that there is none.
func (e *Env) ConfigPath() string {
	if e.Config != "" {
		return e.Config
	}
	if _, err := os.Stat(e.DefaultConfig); err == nil {
		return e.DefaultConfig
	}
	return ""
}

// User returns the login name of whoever runs the command: the real user
// behind sudo and the like is not looked for.
func (e *Env) User() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid%d", os.Getuid())
}

// Terminal returns the width of w when it is a terminal, else 0. TERM=dumb
// cannot redraw a line and counts as none.
func (e *Env) Terminal(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || e.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// Logger is for what commands other than serve have to log: warnings.
func (e *Env) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Print writes text to standard output.
func (e *Env) Print(text string) error {
	_, err := io.WriteString(e.Stdout, text)
	return WriteError(err)
}

// Printf is Print of fmt.Sprintf.
func (e *Env) Printf(format string, args ...any) error {
	return e.Print(fmt.Sprintf(format, args...))
}
