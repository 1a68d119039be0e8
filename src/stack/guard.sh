#!/bin/sh
# guard.sh SIGNAL GRACE_SECONDS PID_FILE COMMAND...
# Runs COMMAND for as long as standard input stays open. The line "stop" before its end: the parent asks, and the
# command gets SIGNAL and the whole grace. An end without it: the parent was killed, and the grace is 3 s. Then KILL.
# PID_FILE names the command's process while it lives, for a next start on the same folder.
signal=$1 grace=$2 pid_file=$3
shift 3
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
echo "$child" >"$pid_file"
(
  left=30
  while read -r line <&3; do
    [ "$line" = stop ] && left=$((grace * 10))
  done
  kill -s "$signal" "$child" 2>/dev/null
  while [ "$left" -gt 0 ] && kill -0 "$child" 2>/dev/null; do
    sleep 0.1
    left=$((left - 1))
  done
  kill -s KILL "$child" 2>/dev/null
) >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$child"
code=$?
rm -f "$pid_file"
kill "$watch" 2>/dev/null
exit "$code"
