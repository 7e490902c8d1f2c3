package main

// configCommands are about the configuration and what it says of whose mail.
func configCommands() []command {
	return []command{
		{
			name: "rules check", short: "list the rules, and what is wrong with their lists", new: func() runner { return new(rulesCheckCmd) },
			long: `The rules are the entries [[rule]] of the configuration. Lines of list files that are
wrong are named and passed over when the rules are loaded: the exit code then is 65. A
configuration that is wrong ends the command with 78.`,
		},
		{
			name: "rules explain", args: "--to ADDR [MESSAGE]", max: 1, short: "tell which rules decide about a message, and why",
			new: func() runner { return new(rulesExplainCmd) },
			long: `Tells for each recipient whether its mail would be filtered, welcome or blocked, and
with which cut-offs and outcomes its score would be judged; and which rule, or line of
which list, says so. Of the MESSAGE, or of standard input for -, the header is read.
Nothing is scored and nothing learned.`,
			examples: []example{
				{"fanmill rules explain --from news@shop.example --to anna@example.org", "by envelope and address alone"},
				{"fanmill rules explain --from news@shop.example --to anna@example.org --client mx.shop.example[192.0.2.1] message.eml", "with all that rules look at"},
			},
		},
		{
			name: "scopes list", short: "list the scopes that have training", new: func() runner { return new(scopesListCmd) },
			long: `One line a scope, the site first: labels of ham and spam, how often they count, and
the name.`,
		},
		{
			name: "scopes explain", args: "ADDR", min: 1, max: 1, short: "tell which scope an address maps to, and what it knows",
			new: func() runner { return new(scopesExplainCmd) },
			long: `Each step from the address to the scope is named: lower case, detail, local_domain,
alias file. Below stand the labels of site and scope, and how they are combined: how
often a label of the scope counts beside one of the site.`,
			examples: []example{{"fanmill scopes explain Anna+shop@example.org", "whose training judges this mail"}},
		},
		{
			name: "config check", args: "[FILE]", max: 1, short: "check a configuration file", new: func() runner { return new(configCheckCmd) },
			long: `All errors are printed at once, each with its place; the exit code then is 78.`,
		},
		{
			name: "config show", short: "print the configuration in force, defaults included", new: func() runner { return new(configShowCmd) },
		},
		{
			name: "config example", short: "print a configuration file with every key, its default and its meaning",
			new: func() runner { return new(configExampleCmd) },
		},
	}
}
