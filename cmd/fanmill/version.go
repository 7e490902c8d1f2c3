package main

import (
	"context"
	"flag"
	"runtime"
	"runtime/debug"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
)

// release is the version's number; the linker may set it (-X main.release=...).
var release = "0.1.0-dev"

type versionCmd struct{ json bool }

func (v *versionCmd) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&v.json, "json", false, "print JSON: version, revision, go, features")
}

// Run prints what this program is.
func (v *versionCmd) Run(_ context.Context, e *cli.Env) error {
	if v.json {
		return cli.PrintJSON(e.Stdout, map[string]any{
			"version": release, "revision": revision(), "go": runtime.Version(), "features": classify.FeatureVersion,
		})
	}
	s := "fanmill " + release
	if r := revision(); r != "" {
		s += " (" + r + ")"
	}
	return e.Printf("%s, feature set %d, %s\n", s, classify.FeatureVersion, runtime.Version())
}

// revision is the commit this program was built from, "" when it is not known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return ""
}
