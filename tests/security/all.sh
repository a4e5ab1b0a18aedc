#!/bin/sh
# Runs TAP programs one after the other, in one machine, and joins their results
# to one TAP stream. A program that ends without its plan, or in failure with
# nothing failed, is a failed test of its own.
#
# usage: all.sh PROGRAM...

out=$(mktemp)
trap 'rm -f "$out"' EXIT
count=0
failed=0

for program; do
	name=${program##*/}
	"$program" >"$out" 2>&1
	status=$?
	awk -v name="$name" -v n="$count" '
		/^(not )?ok [0-9]+/ {
			line = $0
			sub(/ok [0-9]+ -/, "ok " ++n " - " name ":", line)
			print line
			next
		}
		/^1\.\./ { next }
		{ sub(/^# /, ""); print "# " $0 }' "$out"
	tests=$(grep -cE '^(not )?ok ' "$out")
	bad=$(grep -c '^not ok ' "$out")
	count=$((count + tests))
	failed=$((failed + bad))
	if ! grep -qx "1\.\.$tests" "$out" ||
		{ [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		count=$((count + 1))
		failed=$((failed + 1))
		echo "not ok $count - $name: ended with status $status"
	fi
done
echo "1..$count"
[ "$failed" -eq 0 ]
