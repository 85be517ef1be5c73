#!/bin/sh
# Starts what follows with '--lang=da' in place of the language it names.
for argument in "$@"; do
  shift
  case "$argument" in --lang=*) argument=--lang=da ;; esac
  set -- "$@" "$argument"
done
exec "$@"
