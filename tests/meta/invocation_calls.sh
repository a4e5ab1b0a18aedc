#!/bin/sh
# The calls that tests/meta/invocation.py looks at: one daemon, one worker, one
# warm and one cold invocation. Prints the daemon's trace.
#
# usage: invocation_calls.sh GVISORD HELLO.LUA ISOLATION
set -eu
gvisord=$1
code=$2
isolation=$3

dir=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill -9 "$daemon" || :; rm -rf "$dir"' EXIT
GVISOR_TRACE=$dir/trace "$gvisord" serve --workers 1 --socket "$dir/s" \
	--isolation "$isolation" --set log.level=error >&2 &
daemon=$!
export GVISORD_SOCKET="$dir/s"

tries=300
until "$gvisord" version --daemon >/dev/null 2>&1; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || exit 1
	sleep 0.1
done
{
	"$gvisord" deploy "$code" warm
	"$gvisord" invoke -v warm '{"name": "Ada"}'
	# Without a time to live every start is a cold one.
	"$gvisord" deploy --idle-ttl-ms 0 "$code" cold
	"$gvisord" invoke -v cold '{"name": "Ada"}'
} >&2
kill "$daemon"
wait "$daemon" || :
daemon=
cat "$dir/trace"
