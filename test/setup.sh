#!/bin/bash
# Installs from Debian what building, testing and measuring fanmill need, and
# only what is missing; when all is there it changes nothing and takes no time.
# Postfix is installed unconfigured and no service is started: the tests run
# private instances with configurations of their own. Debian keeps one mail server
# at a time, so Sendmail is not installed but unpacked into a directory of its own.
set -euo pipefail

started=$(date +%s%N)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# What shows that it is there (a command, or a file when it begins with /), and
# the package that brings it. A command counts wherever it came from.
needs='
git                                 git
gcc                                 gcc
/usr/include/stdio.h                libc6-dev
/etc/ssl/certs/ca-certificates.crt  ca-certificates
postfix                             postfix
smtp-sink                           postfix
smtp-source                         postfix
bogofilter                          bogofilter
npm                                 npm
m4                                  m4
'

# Where the tests look for Sendmail (test/harness), and what is unpacked there.
sendmail=/opt/sendmail-for-tests
sendmail_packages='sendmail-bin sendmail-base sendmail-cf'

there() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing() {
	while read -r what package; do
		[ -z "$what" ] || there "$what" || echo "$package"
	done <<<"$needs" | sort -u | tr '\n' ' '
}

# libraries prints the packages of the libraries that Sendmail needs. Their names
# differ from one Debian to the next.
libraries() {
	apt-cache depends sendmail-bin | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p'
}

# unpack_sendmail fetches the packages, which apt-get checks as it would for an
# installation, and unpacks them.
unpack_sendmail() {
	local tmp=$sendmail.new package
	rm -rf $tmp
	mkdir -p $tmp/packages
	(cd $tmp/packages && apt-get -qq -o APT::Sandbox::User=root download $sendmail_packages) || return 1
	for package in $tmp/packages/*.deb; do
		dpkg-deb -x "$package" $tmp || return 1
	done
	if ldd $tmp/usr/libexec/sendmail/sendmail | grep 'not found' >&2; then
		return 1
	fi
	rm -rf $tmp/packages
	mv $tmp $sendmail
}

done_after() {
	local ms=$((($(date +%s%N) - started) / 1000000))
	printf 'setup: %s (%d.%01d s)\n' "$1" $((ms / 1000)) $((ms % 1000 / 100))
}

if ! command -v go >/dev/null; then
	echo 'setup: Go is not on the PATH: install Go 1.26 or later (https://go.dev/doc/install)' >&2
	exit 1
fi

packages=$(missing)
packages=${packages% }
if [ -z "$packages" ] && [ -d $sendmail ]; then
	done_after 'everything is there'
	exit 0
fi
wanted=$packages
[ -d $sendmail ] || wanted="${packages:+$packages, }$sendmail_packages (into $sendmail)"
if ! command -v apt-get >/dev/null; then
	echo "setup: missing, and this is no Debian: install what these packages hold there: $wanted" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "setup: missing: $wanted. Type: sudo make setup" >&2
	exit 1
fi

echo "setup: installing $wanted"
export DEBIAN_FRONTEND=noninteractive

# 101 from policy-rc.d means: start no service. One that stands there already
# is the administrator's and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f '$policy EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
apt-get -qq update
case " $packages " in
*' postfix '*) echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections ;;
esac
[ -d $sendmail ] || packages="$packages $(libraries)"

# --no-remove: Debian keeps one mail server at a time, and a test is no reason
# to take away the one a machine uses.
if ! apt-get -qq install --no-remove --no-install-recommends -y $packages </dev/null; then
	echo "setup: apt-get failed, see above. To choose yourself, type: apt-get install $packages" >&2
	exit 1
fi

if [ ! -d $sendmail ] && ! unpack_sendmail; then
	echo "setup: no Sendmail in $sendmail, see above; type: sudo make setup" >&2
	exit 1
fi

packages=$(missing)
if [ -n "$packages" ]; then
	echo "setup: still missing after the installation: ${packages% }" >&2
	exit 1
fi
done_after installed
