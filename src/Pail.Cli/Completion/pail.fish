# fish completion for pail. In ~/.config/fish/config.fish: pail completion fish | source
function __pail_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] complete -- $words[2..-1] "$current" 2>/dev/null
    # A path after "oci:", "oci-archive:", "dir:", "docker-archive:" or "file:".
    set -l scheme (string match -r '^(oci:|oci-archive:|dir:|docker-archive:|file:)' -- "$current")[1]
    if test -n "$scheme"
        for path in (__fish_complete_path (string replace -- "$scheme" '' "$current"))
            echo "$scheme$path"
        end
    end
end
complete -c pail -f -a '(__pail_complete)'
