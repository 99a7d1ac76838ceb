# bash completion for pail. In ~/.bashrc: source <(pail completion bash)
_pail() {
    local line=${COMP_LINE:0:COMP_POINT} words current stem
    # ':' breaks words in bash, but not in addresses: split at blanks alone.
    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    current=${words[${#words[@]}-1]}
    COMPREPLY=()
    local word rest
    while IFS=$'\t' read -r word rest; do
        COMPREPLY+=("$word")
    done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    # A path, bare or after "oci:", "oci-archive:", "dir:", "docker-archive:" or "file:".
    if [[ $current =~ ^(oci:|oci-archive:|dir:|docker-archive:|file:)(.*)$ ]]; then
        local scheme=${BASH_REMATCH[1]} path
        while IFS= read -r path; do
            [[ -d $path ]] && path+=/
            COMPREPLY+=("$scheme$path")
        done < <(compgen -f -- "${BASH_REMATCH[2]}")
    fi
    # Readline replaces only what follows the last break.
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        stem=${current%"${current##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$stem"}")
    fi
    # No blank after what goes on: schemes and folders.
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:/] ]] && compopt -o nospace
    return 0
}
complete -F _pail pail ./pail
