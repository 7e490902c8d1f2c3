package main

import (
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/configured"
)

// configCommands are about the configuration and what it says of whose mail.
func configCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "rules check", Short: "list the rules, and what is wrong with their lists", New: func() cli.Runner { return new(configured.RulesCheck) },
			Long: `The rules are the entries [[rule]] of the configuration. Lines of list files that are
wrong are named and passed over when the rules are loaded: the exit code then is 65. A
configuration that is wrong ends the command with 78.`,
		},
		{
			Name: "rules explain", Args: "--to ADDR [MESSAGE]", Max: 1, Short: "tell which rules decide about a message, and why",
			New: func() cli.Runner { return new(configured.RulesExplain) },
			Long: `Tells for each recipient whether its mail would be filtered, welcome or blocked, and
with which cut-offs and outcomes its score would be judged; and which rule, or line of
which list, says so. Of the MESSAGE, or of standard input for -, the header is read.
Nothing is scored and nothing learned.`,
			Examples: []cli.Example{
				{"fanmill rules explain --from news@shop.example --to anna@example.org", "by envelope and address alone"},
				{"fanmill rules explain --from news@shop.example --to anna@example.org --client mx.shop.example[192.0.2.1] message.eml", "with all that rules look at"},
			},
		},
		{
			Name: "scopes list", Short: "list the scopes that have training", New: func() cli.Runner { return new(configured.ScopesList) },
			Long: `One line a scope, the site first: labels of ham and spam, how often they count, and
the name.`,
		},
		{
			Name: "scopes explain", Args: "ADDR", Min: 1, Max: 1, Short: "tell which scope an address maps to, and what it knows",
			New: func() cli.Runner { return new(configured.ScopesExplain) },
			Long: `Each step from the address to the scope is named: lower case, detail, local_domain,
alias file. Below stand the labels of site and scope, and how they are combined: how
often a label of the scope counts beside one of the site.`,
			Examples: []cli.Example{{"fanmill scopes explain Anna+shop@example.org", "whose training judges this mail"}},
		},
		{
			Name: "config check", Args: "[FILE]", Max: 1, Short: "check a configuration file", New: func() cli.Runner { return new(configured.ConfigCheck) },
			Long: `All errors are printed at once, each with its place; the exit code then is 78.`,
		},
		{
			Name: "config show", Short: "print the configuration in force, defaults included", New: func() cli.Runner { return new(configured.ConfigShow) },
		},
		{
			Name: "config example", Short: "print a configuration file with every key, its default and its meaning",
			New: func() cli.Runner { return new(configured.ConfigExample) },
		},
	}
}
