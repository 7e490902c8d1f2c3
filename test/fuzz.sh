#!/bin/bash
# Runs every fuzz target of the module for FUZZTIME (default 60s), one after
# the other: `go test -fuzz` takes one target of one package at a time. Goes on
# after a failure, and fails at the end when one did.
set -uo pipefail

GO=${GO:-go}
FUZZTIME=${FUZZTIME:-60s}
failed=0
ran=0

packages=$($GO list ./...) || exit 1
for package in $packages; do
	targets=$($GO test -list '^Fuzz' "$package") || exit 1
	for target in $(grep '^Fuzz' <<<"$targets"); do
		echo "fuzz: $package $target ($FUZZTIME)"
		ran=$((ran + 1))
		$GO test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x "$package" || failed=$((failed + 1))
	done
done
echo "fuzz: $ran targets, $failed failed"
[ "$ran" -gt 0 ] && [ "$failed" -eq 0 ]
