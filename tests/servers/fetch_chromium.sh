#!/bin/sh
# Has a Chromium for the tests of the console's pages: the machine's own, or Debian's where it may be installed.
# Without one those tests are skipped, and say so; nothing else needs a browser.
set -eu
if [ -n "${MONEYER_CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    said=$(mktemp)
    if { apt-get -q update && apt-get -q -y --no-install-recommends install chromium; } >"$said" 2>&1; then
        exit 0
    fi
    tail -n 5 "$said" >&2
fi
echo "No Chromium here: the console's pages are not tried in a browser. Install chromium, or name one in MONEYER_CHROMIUM." >&2
