#!/bin/sh
# Fills the templates of this folder with the values of a file such as cluster.env.example, and writes the results into a
# folder: sh deploy/cluster/fill.sh /etc/daybook/cluster.env /etc/daybook/cluster
set -eu
values=$1 results=$2 templates=$(dirname "$0")
while IFS= read -r line; do
    case $line in
        ''|'#'*) ;;
        *=) echo "${line%=} has no value in $values" >&2; exit 1 ;;
        *=*) export "${line?}" ;;
    esac
done < "$values"
umask 077
mkdir -p "$results"
for template in "$templates"/*.template; do
    result=$results/$(basename "$template" .template)
    # ${NAME} becomes the value of NAME. The values are piped, because every user can read the arguments of a command.
    env | sed -n 's/^\([A-Z_0-9]*\)=\([^|&\\]*\)$/s|${\1}|\2|g/p' | sed -f /dev/stdin "$template" > "$result"
    if grep -n '\${[A-Z_0-9]*}' "$result" >&2; then
        echo "$values lacks what $template needs" >&2
        exit 1
    fi
done
