#!/bin/sh
# Builds InfluxDB 2 from its Go module into the cache of the test servers: Go, a C compiler, cargo
# (for its language Flux) and pkg-config, 5 to 15 minutes of computing. Then the tests of the store
# run on it too. `make influx2` calls this; CI does not.
set -eu
version=2.9.1
CACHE=${REFIT_CACHE:-$HOME/.cache/refit}
folder=$CACHE/influxdb-$version
test -x "$folder/influxd" && exit 0

for word in go cargo cc pkg-config; do
    command -v "$word" >/dev/null || { echo "InfluxDB $version needs $word to be built"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GOFLAGS=-mod=mod RUSTUP_TOOLCHAIN="${RUSTUP_TOOLCHAIN:-stable}"
module=github.com/influxdata/influxdb/v2
go mod init refit.invalid/influxd
# A module's own "replace" lines count only when it is the main one: take them over.
made=$(go mod download -json "$module@v$version" | sed -n 's/^.*"GoMod": "\(.*\)",$/\1/p')
grep '^replace ' "$made" >>go.mod
go get "$module/cmd/influxd@v$version"
# Its maker's pkg-config builds the Rust library on the way.
GOBIN="$work/bin" GOFLAGS='' go install github.com/influxdata/pkg-config@v0.3.0
mkdir -p "$folder"
PKG_CONFIG="$work/bin/pkg-config" go build -o "$folder/influxd.new" "$module/cmd/influxd"
mv "$folder/influxd.new" "$folder/influxd"
echo "$folder/influxd is InfluxDB $version"
