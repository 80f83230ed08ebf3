#!/bin/sh
# Lays Debian's MariaDB server below a folder: no root, nothing installed, nothing but what this machine lacks.
# usage: fetch_mariadb.sh FOLDER
set -eu
package=mariadb-server-core
mkdir -p "$1"
cd "$1"

if ! command -v apt-get >/dev/null && ! [ -x /usr/sbin/mariadbd ] && ! [ -x /usr/local/sbin/mariadbd ]; then
    echo "No MariaDB here, and no Debian packages to have it from: pulls from MySQL are not tried. Install mariadbd." >&2
    exit 0
fi

is_there() { [ -x usr/sbin/mariadbd ] || [ -x /usr/sbin/mariadbd ]; }

fetch() {
    planned=$(apt-get "$@" -s --no-install-recommends install $package) || return 1
    missing=$(echo "$planned" | awk '/^Inst/ { print $2 }')
    [ -z "$missing" ] && return 0
    # shellcheck disable=SC2086
    apt-get "$@" -q download $missing || return 1
    for one in ./*.deb; do dpkg -x "$one" . || return 1; done
}

rm -rf ./*.deb usr etc
# What the machine knows of packages will mostly do; else they are listed anew, in a folder of our own.
if ! { fetch && is_there; } >said 2>&1; then
    rm -f ./*.deb
    mkdir -p lists/partial cache/archives/partial
    own="-o Dir::State::Lists=$PWD/lists -o Dir::Cache=$PWD/cache -o Debug::NoLocking=1"
    # shellcheck disable=SC2086
    { apt-get $own -q update && fetch $own && is_there; } >>said 2>&1 || {
        cat said >&2
        echo "MariaDB's packages cannot be had on this machine: install mariadbd, and say make test again." >&2
        exit 1
    }
fi
rm -rf ./*.deb lists cache said
