#!/bin/bash
# The golden scores once for each level of amd64 that this processor can run:
# compilers may fuse a multiplication and an addition from v3 on, and two hosts of
# one site must still arrive at the same bits. Says so where it cannot try.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

arch=$("$GO" env GOARCH)
if [ "$arch" != amd64 ]; then
	echo "golden scores: not compared between GOAMD64=v1 and v3, this is $arch"
	exit 0
fi
flags=" $(sed -n 's/^flags[^:]*: //p; T; q' /proc/cpuinfo) "
missing=
for flag in avx avx2 bmi1 bmi2 f16c fma abm movbe xsave; do
	case $flags in *" $flag "*) ;; *) missing+=" $flag" ;; esac
done
levels=v1
if [ -z "$missing" ]; then
	levels+=" v3"
else
	echo "golden scores: not tried with GOAMD64=v3, this processor lacks$missing"
fi
for level in $levels; do
	echo "golden scores with GOAMD64=$level"
	GOAMD64=$level "$GO" test -count=1 -run '^TestGolden$' ./classify
done
