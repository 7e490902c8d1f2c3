package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"fanmill/config"
)

// configCheckCmd checks a configuration file.
type configCheckCmd struct{ json bool }

func (c *configCheckCmd) flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.json, "json", false, "print the errors as a JSON list")
}

// Run checks the file in Args, or the one in force.
func (c *configCheckCmd) Run(_ context.Context, e *Env) error {
	path := e.configPath()
	if len(e.Args) > 0 {
		path = e.Args[0]
	}
	if path == "" {
		return hint(usageErrorf("there is no configuration file: %s does not exist", e.DefaultConfig),
			"name one, or write one with `fanmill config example`")
	}
	set, err := loadSettings(path, e.dirOrDefault())
	if c.json {
		return c.print(e, err)
	}
	if err == nil {
		complain(e.Stderr, set.warnings)
	}
	var ps config.Problems
	if errors.As(err, &ps) {
		complain(e.Stderr, ps)
		return exit(exitConfig, fmt.Errorf("%s in %s", plural(len(ps), "error", "errors"), path))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "%s is in order\n", safe(path))
	return writeError(err)
}

func (c *configCheckCmd) print(e *Env, err error) error {
	ps := config.Problems{}
	if err != nil && !errors.As(err, &ps) {
		return err
	}
	if perr := printJSON(e.Stdout, ps); perr != nil || len(ps) == 0 {
		return perr
	}
	return exit(exitConfig, nil)
}

// configShowCmd prints the configuration in force.
type configShowCmd struct{ noFlags }

// Run prints it.
func (configShowCmd) Run(_ context.Context, e *Env) error {
	set, err := loadSettings(e.configPath(), e.dirOrDefault())
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(set.file.Show())
	return writeError(err)
}

// configExampleCmd prints a configuration file that says everything.
type configExampleCmd struct{ noFlags }

// Run prints it.
func (configExampleCmd) Run(_ context.Context, e *Env) error {
	_, err := e.Stdout.Write(config.Example())
	return writeError(err)
}

// dirOrDefault is the data directory for texts that name it.
func (e *Env) dirOrDefault() string {
	if dir, err := e.dataDir(); err == nil {
		return dir
	}
	return config.DefaultDataDir
}

func asDuration(d config.Duration) time.Duration { return time.Duration(d) }
