#compdef pail
# zsh completion for pail. In ~/.zshrc, after compinit: source <(pail completion zsh); or as _pail in a folder of fpath
_pail() {
    local -a open closed
    local word says
    while IFS=$'\t' read -r word says; do
        case $word in
            *:|*/) open+=("$word") ;;
            *) closed+=("${word//:/\\:}${says:+:$says}") ;;
        esac
    done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#closed )) && _describe -t words pail closed
    (( $#open )) && compadd -S '' -- $open
    # A path after "oci:", "oci-archive:", "dir:", "docker-archive:" or "file:".
    if compset -P '(oci|oci-archive|dir|docker-archive|file):'; then
        _files
    fi
    (( $#closed || $#open ))
}
# Found in fpath, this file is the function itself.
if [[ $funcstack[1] == _pail ]]; then
    _pail "$@"
else
    compdef _pail pail ./pail
fi
