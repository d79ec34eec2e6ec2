#!/bin/sh
# Puts the servers of the tests on this machine: from Debian's packages where we may install, the
# rest into a cache outside of the tree, by version. What is there already costs nothing.
set -eu
export LC_ALL=C  # so that file names have one order everywhere
cd "$(dirname "$0")"
CACHE=${REFIT_CACHE:-$HOME/.cache/refit}

has() { command -v "$1" >/dev/null 2>&1 || test -x "/usr/sbin/$1"; }

wanted=
has mosquitto || wanted="$wanted mosquitto"
has victoria-metrics || wanted="$wanted victoria-metrics"
has go || has influxd || wanted="$wanted influxdb"
has systemd-analyze || wanted="$wanted systemd"
has gcc && echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1 || wanted="$wanted gcc libc6-dev"
has javac || wanted="$wanted openjdk-17-jdk-headless"
has mvn || wanted="$wanted maven"
has node && has npm || wanted="$wanted nodejs npm"
has chromium || wanted="$wanted chromium"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || wanted="$wanted postgresql"
if test -n "$wanted"; then
    if test "$(id -u)" != 0; then
        echo "The system tests need more servers. Install them with:"
        echo "    sudo apt-get install --no-install-recommends$wanted"
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted
fi

influxdb=1.8.10
if has go && ! test -x "$CACHE/influxdb-$influxdb/influxd"; then
    echo "InfluxDB $influxdb is built once (about a minute)"
    GOBIN="$CACHE/influxdb-$influxdb" go install "github.com/influxdata/influxdb/cmd/influxd@v$influxdb"
fi

node=$CACHE/node-$(sha256sum ../node/package.json | cut -c1-12)
if ! test -e "$node/complete"; then
    mkdir -p "$node"
    cp ../node/package.json "$node/"
    npm install --prefix "$node" --no-package-lock --no-audit --no-fund --silent
    touch "$node/complete"
fi

tahu=$CACHE/tahu-$(cat ../tahu/pom.xml ../tahu/java/* | sha256sum | cut -c1-12)
if ! test -e "$tahu/complete"; then
    mkdir -p "$tahu/classes"
    mvn -q -B -Dstyle.color=never -f ../tahu/pom.xml dependency:copy-dependencies "-DoutputDirectory=$tahu/lib"
    javac -Xlint:-options --release 11 -cp "$tahu/lib/*" -d "$tahu/classes" ../tahu/java/*.java
    cp ../tahu/java/quiet.xml "$tahu/classes/"
    touch "$tahu/complete"
fi
