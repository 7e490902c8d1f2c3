// Package configured has the commands that tell what the configuration says: whether it
// is in order, which rules decide about a message and why, and whose training judges it.
package configured

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
)

// ConfigCheck checks a configuration file.
type ConfigCheck struct{ json bool }

// Flags is cli.Runner.
func (c *ConfigCheck) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.json, "json", false, "print the errors as a JSON list")
}

// Run checks the file in Args, or the one in force.
func (c *ConfigCheck) Run(_ context.Context, e *cli.Env) error {
	path := e.ConfigPath()
	if len(e.Args) > 0 {
		path = e.Args[0]
	}
	if path == "" {
		return cli.Hint(cli.UsageErrorf("there is no configuration file: %s does not exist", e.DefaultConfig),
			"name one, or write one with `fanmill config example`")
	}
	set, err := settings.Load(path, dirOrDefault(e))
	if c.json {
		return c.print(e, err)
	}
	if err == nil {
		cli.Complain(e.Stderr, set.Warnings)
	}
	var ps config.Problems
	if errors.As(err, &ps) {
		cli.Complain(e.Stderr, ps)
		return cli.WithCode(cli.ExitConfig, fmt.Errorf("%s in %s", cli.Plural(len(ps), "error", "errors"), path))
	}
	if err != nil {
		return err
	}
	return e.Printf("%s is in order\n", cli.Safe(path))
}

func (c *ConfigCheck) print(e *cli.Env, err error) error {
	ps := config.Problems{}
	if err != nil && !errors.As(err, &ps) {
		return err
	}
	if perr := cli.PrintJSON(e.Stdout, ps); perr != nil || len(ps) == 0 {
		return perr
	}
	return cli.WithCode(cli.ExitConfig, nil)
}

// ConfigShow prints the configuration in force.
type ConfigShow struct{ cli.NoFlags }

// Run prints it.
func (ConfigShow) Run(_ context.Context, e *cli.Env) error {
	set, err := settings.Load(e.ConfigPath(), dirOrDefault(e))
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(set.File.Show())
	return cli.WriteError(err)
}

// ConfigExample prints a configuration file that says everything.
type ConfigExample struct{ cli.NoFlags }

// Run prints it.
func (ConfigExample) Run(_ context.Context, e *cli.Env) error {
	_, err := e.Stdout.Write(config.Example())
	return cli.WriteError(err)
}

// dirOrDefault is the data directory for texts that name it.
func dirOrDefault(e *cli.Env) string {
	if dir, err := e.DataDir(); err == nil {
		return dir
	}
	return config.DefaultDataDir
}
