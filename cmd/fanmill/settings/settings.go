// Package settings is the configuration as the rooms take it: read with all the files
// it names, checked, mapped to their Options, and swapped whole at a reload.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/config"
	"fanmill/headers"
	"fanmill/policy"
	"fanmill/policy/scopes"
	"fanmill/policy/senders"
	"fanmill/store"
	"fanmill/store/query"
	"fanmill/store/renew"
	"fanmill/training"
)

// Settings are a configuration as the rooms take it. They are never changed
// once made, so that they can be swapped whole.
type Settings struct {
	Path     string // of the file; "": there is none, the defaults hold
	File     *config.Config
	Classify classify.Options // for scoring: nothing is kept
	Policy   policy.Options
	Rules    *policy.Policy
	Scopes   *scopes.Map
	Lists    map[string]*senders.List // by path
	Warnings config.Problems          // lines of lists that are passed over
	Families []headers.Family
	Rule     training.Rule
	*inputs
}

// Load reads the configuration file, or takes the defaults where path
// is "". All its errors end a command with cli.ExitConfig.
func Load(path, dir string) (*Settings, error) {
	in := new(inputs)
	defer in.done()
	s, err := in.settings(path, dir)
	if err != nil {
		return nil, &loadError{err, in.Files}
	}
	return s, nil
}

func (in *inputs) settings(path, dir string) (*Settings, error) {
	if path == "" {
		return in.build("", config.Default(dir))
	}
	file, err := config.Load(path, dir, in.read)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, cli.Hint(cli.WithCode(cli.ExitConfig, err), "`fanmill config example` prints one to begin with")
	case err != nil:
		return nil, cli.WithCode(cli.ExitConfig, err)
	}
	s, err := in.build(path, file)
	if err != nil {
		return nil, cli.WithCode(cli.ExitConfig, fmt.Errorf("%s: %w", path, err))
	}
	return s, nil
}

// New returns the settings of a configuration that is no file's.
func New(file *config.Config) (*Settings, error) {
	return new(inputs).build("", file)
}

// build returns the settings of a configuration; files that it names are read through in.
func (in *inputs) build(path string, file *config.Config) (*Settings, error) {
	s := &Settings{
		Path: path, File: file, Classify: file.ClassifyOptions(), Policy: file.PolicyOptions(),
		Rule: training.Rule{Margin: file.Training.Margin}, inputs: in,
	}
	s.Classify.Keep = 0
	for _, name := range file.Headers.Families {
		f, err := headers.ParseFamily(name)
		if err != nil {
			return nil, err
		}
		s.Families = append(s.Families, f)
	}
	var err error
	if s.Scopes, err = readScopes(file, in); err != nil {
		return nil, err
	}
	if s.Lists, s.Warnings, err = readLists(file, in); err != nil {
		return nil, err
	}
	s.Policy.Scopes, s.Policy.Rules = s.Scopes, file.PolicyRules(s.Lists)
	s.Rules, err = policy.Compile(s.Policy)
	return s, err
}

// readScopes returns how addresses map to scopes.
func readScopes(file *config.Config, in *inputs) (*scopes.Map, error) {
	o, path := file.ScopeOptions(), file.Scope.Aliases
	if path == "" {
		return scopes.Compile(o)
	}
	text, err := in.read(path, config.MaxTextFile)
	if err != nil {
		return nil, cli.Hint(fmt.Errorf("scope.aliases: %w", err), "make the file readable for fanmill, or set scope.aliases to \"\"")
	}
	list, err := scopes.ParseAliases(string(text))
	in.list(path, len(list))
	var m *scopes.Map
	if err == nil {
		o.Aliases = list
		m, err = scopes.Compile(o)
	}
	if err != nil {
		return nil, fmt.Errorf("scope.aliases: %s: %w", path, err)
	}
	return m, nil
}

// Scope maps what the flag --scope names to a scope; "" is the site.
func (s *Settings) Scope(name string) (string, error) {
	scope := s.Scopes.Of(name)
	if scope == "" && name != "" {
		return "", cli.Hint(cli.UsageErrorf("--scope %q is the site's, or no address", name), "leave --scope out for the site; `fanmill scopes explain ADDR` tells how an address maps")
	}
	return scope, nil
}

// Of returns the configuration in force for a command.
func Of(e *cli.Env) (*Settings, error) { return In(e, e.ConfigPath()) }

// In returns the configuration in a file, for a command.
func In(e *cli.Env, path string) (*Settings, error) {
	dir, err := e.DataDir()
	if err != nil {
		dir = config.DefaultDataDir // only paths that such a command does not use are below it
	}
	return Load(path, dir)
}

// Loader returns what reads the configuration, at start and again when it changes. Once
// there was a file it must stay: a daemon does not begin to observe because somebody
// has moved the file away.
func Loader(e *cli.Env, dir string) func() (*Settings, error) {
	return func() (*Settings, error) {
		e.Config = e.ConfigPath()
		return ForDaemon(e, dir)
	}
}

// ForDaemon returns the configuration; without a file the daemon observes. One that
// comes into being is taken at a reload that somebody asks for: as long as it is being
// written for the first time the daemon should not begin to act.
func ForDaemon(e *cli.Env, dir string) (*Settings, error) {
	if path := e.ConfigPath(); path != "" {
		return Load(path, dir)
	}
	file := config.Default(dir)
	file.Policy.Observe = true
	file.Milter.Listen = []string{"unix:" + filepath.Join(dir, "milter.sock"), e.DefaultInet}
	return New(file)
}

// Trainer returns how to train a scope.
func (s *Settings) Trainer(scope string, o store.Origin, log *slog.Logger) training.Options {
	margin := s.File.Training.Margin
	if margin == 0 {
		margin = math.SmallestNonzeroFloat64 // 0 would mean the default
	}
	return training.Options{
		Classify: s.File.ClassifyOptions(), Scope: scope, Margin: margin,
		FeaturesOnly: s.File.Store.Keep == "features", Origin: o, Logger: log,
	}
}

// AutoRule returns what is learned automatically, if that is enabled.
func (s *Settings) AutoRule() training.AutoRule {
	a := &s.File.Autolearn
	return training.AutoRule{HamBelow: a.HamBelow, SpamAbove: a.SpamAbove, Share: a.Share, Lead: a.Lead, MinLabels: a.MinLabels}
}

// Keep returns how much of the ledger the configuration keeps.
func (s *Settings) Keep() query.Keep {
	return query.Keep{
		Age: time.Duration(s.File.Store.KeepDays) * 24 * time.Hour, Rows: s.File.Store.KeepMessages,
		Least: s.Policy.MinLabels, // what is left is trained
	}
}

// Extract returns how features are made anew from what the ledger keeps of messages.
func (s *Settings) Extract() renew.Extract {
	stream := classify.NewStream(s.File.ClassifyOptions())
	return func(message []byte) ([]uint64, []uint32) {
		stream.Reset()
		m := stream.Stored(message)
		return m.Features, m.Grams
	}
}

// keptOps of the newest entries of the log stay, however old: a snapshot and processes
// that follow are hardly ever further behind, and on a quiet site undo reaches back.
const keptOps = 10_000

// LogMemory returns how much of the log is kept when that is so many days of it.
func LogMemory(days int) query.Memory {
	return query.Memory{Age: time.Duration(days) * 24 * time.Hour, Least: keptOps}
}
