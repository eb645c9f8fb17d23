#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every example of the manual page as it stands there. Usage: manual.sh PROGRAM MANUAL SOURCE
manual=$(realpath "$2")
docs=$(realpath "$3")/docs
source "$(dirname "$0")/common.sh"
mkdir bin docs
ln -s "$program" bin/chimera
PATH=$PWD/bin:$PATH
cp "$docs"/*.md docs
sed -n '/^\.nf$/,/^\.fi$/p' "$manual" | grep -v '^\.' | sed 's/\\-/-/g' >examples
[ -s examples ] || fail 'the manual has no examples'
while IFS= read -r example; do
    timeout 120 bash -c "$example" >out 2>&1 </dev/null || fail "exit $? of: $example: $(tail -1 out)"
done <examples
echo "$(wc -l <examples) examples, $failures failures"
[ $failures = 0 ]
