#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the program, and asks each shell that is here what it completes, with its own search for scripts.
# Usage: completion.sh CMAKE BUILD FOLDER
set -euo pipefail
rm -rf "$3"
mkdir -p "$3/home"
"$1" --install "$2" --prefix "$3/installed" --component program >/dev/null
share=$3/installed/share
export HOME=$3/home XDG_DATA_DIRS=$share PATH=$3/installed/bin:$PATH
unset XDG_DATA_HOME XDG_CONFIG_HOME FPATH

# finds SHELL WORDS: fails unless the words that the shell offers after `chimera sim` are `simulate` alone.
tried=0
finds() {
    tried=$((tried + 1))
    [ "$2" = simulate ] || { echo "$1 completes 'chimera sim' by '$2'" && exit 1; }
}

for pair in bash:bash-completion/completions/chimera zsh:zsh/site-functions/_chimera fish:fish/vendor_completions.d/chimera.fish; do
    "$3/installed/bin/chimera" completion "${pair%%:*}" | cmp - "$share/${pair#*:}"
done
loader=/usr/share/bash-completion/bash_completion
if [ -e $loader ]; then
    finds bash "$(bash --norc -c "source $loader; _completion_loader chimera; COMP_WORDS=(chimera sim) COMP_CWORD=1
        \$(complete -p chimera | sed 's/.*-F \([^ ]*\).*/\1/') chimera sim chimera; echo \${COMPREPLY[*]}")"
fi
if command -v fish >/dev/null; then
    finds fish "$(fish -c 'complete -C "chimera sim"' | cut -f 1)"
fi
if command -v zsh >/dev/null; then  # compinit reads the first lines of the files in $fpath
    found=$(zsh -fc "fpath=($share/zsh/site-functions \$fpath); autoload -Uz compinit; compinit -u -D; echo \$_comps[chimera]")
    [ "$found" = _chimera ] || { echo "zsh completes chimera by '$found'" && exit 1; }
    tried=$((tried + 1))
fi
echo "$tried shells find the scripts"
