package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/config"
	"fanmill/headers"
	"fanmill/milter"
	"fanmill/policy"
	"fanmill/policy/scopes"
	"fanmill/policy/senders"
	"fanmill/store"
	"fanmill/training"
)

// settings are a configuration as the rooms take it. They are never changed
// once made, so that they can be swapped whole.
type settings struct {
	path     string // of the file; "": there is none, the defaults hold
	file     *config.Config
	classify classify.Options // for scoring: nothing is kept
	policy   policy.Options
	rules    *policy.Policy
	scopes   *scopes.Map
	lists    map[string]*senders.List // by path
	warnings config.Problems          // lines of lists that are passed over
	families []headers.Family
	rule     training.Rule
	*inputs
}

// loadSettings reads the configuration file, or takes the defaults where path
// is "". All its errors end a command with cli.ExitConfig.
func loadSettings(path, dir string) (*settings, error) {
	in := new(inputs)
	defer in.done()
	s, err := in.settings(path, dir)
	if err != nil {
		return nil, &loadError{err, in.files}
	}
	return s, nil
}

func (in *inputs) settings(path, dir string) (*settings, error) {
	if path == "" {
		return newSettings("", config.Default(dir), in)
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
	s, err := newSettings(path, file, in)
	if err != nil {
		return nil, cli.WithCode(cli.ExitConfig, fmt.Errorf("%s: %w", path, err))
	}
	return s, nil
}

// newSettings returns the settings of a configuration; files that it names are read
// through in.
func newSettings(path string, file *config.Config, in *inputs) (*settings, error) {
	s := &settings{
		path: path, file: file, classify: file.ClassifyOptions(), policy: file.PolicyOptions(),
		rule: training.Rule{Margin: file.Training.Margin}, inputs: in,
	}
	s.classify.Keep = 0
	for _, name := range file.Headers.Families {
		f, err := headers.ParseFamily(name)
		if err != nil {
			return nil, err
		}
		s.families = append(s.families, f)
	}
	var err error
	if s.scopes, err = readScopes(file, in); err != nil {
		return nil, err
	}
	if s.lists, s.warnings, err = readLists(file, in); err != nil {
		return nil, err
	}
	s.policy.Scopes, s.policy.Rules = s.scopes, file.PolicyRules(s.lists)
	s.rules, err = policy.Compile(s.policy)
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

// scope maps what the flag --scope names to a scope; "" is the site.
func (s *settings) scope(name string) (string, error) {
	scope := s.scopes.Of(name)
	if scope == "" && name != "" {
		return "", cli.Hint(cli.UsageErrorf("--scope %q is the site's, or no address", name), "leave --scope out for the site; `fanmill scopes explain ADDR` tells how an address maps")
	}
	return scope, nil
}

// settings returns the configuration in force for a command.
func settingsOf(e *cli.Env) (*settings, error) { return settingsIn(e, e.ConfigPath()) }

// settingsOf returns the configuration in a file.
func settingsIn(e *cli.Env, path string) (*settings, error) {
	dir, err := e.DataDir()
	if err != nil {
		dir = config.DefaultDataDir // only paths that such a command does not use are below it
	}
	return loadSettings(path, dir)
}

// trainer returns how to train a scope.
func (s *settings) trainer(scope string, o store.Origin, log *slog.Logger) training.Options {
	margin := s.file.Training.Margin
	if margin == 0 {
		margin = math.SmallestNonzeroFloat64 // 0 would mean the default
	}
	return training.Options{
		Classify: s.file.ClassifyOptions(), Scope: scope, Margin: margin,
		FeaturesOnly: s.file.Store.Keep == "features", Origin: o, Logger: log,
	}
}

// autoRule returns what is learned automatically, if that is enabled.
func (s *settings) autoRule() training.AutoRule {
	a := &s.file.Autolearn
	return training.AutoRule{HamBelow: a.HamBelow, SpamAbove: a.SpamAbove, Share: a.Share, Lead: a.Lead, MinLabels: a.MinLabels}
}

// milter returns the settings that the milter swaps at a reload.
func (s *settings) milter() milter.Settings {
	m := &s.file.Milter
	return milter.Settings{
		Policy: s.rules, Classify: s.classify, Families: s.families, RejectText: s.file.Policy.RejectText,
		Clues: heldClues, Pieces: explainedPieces, Deadline: asDuration(m.MessageDeadline), ProgressEvery: asDuration(m.ProgressEvery),
		KeepFeatures: s.file.History.Features, Evidence: s.file.Headers.Evidence, MarkAuthenticated: s.file.Headers.Authenticated,
	}
}
