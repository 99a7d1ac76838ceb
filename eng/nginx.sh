# Shared by nginx-folder and nginx-cap: one nginx of our own. The including script sets dir, port and the function
# conf, which prints the http or stream block.

nginx_start() {
    need nginx curl
    if alive nginx; then return; fi
    need_port "$port"
    mkdir -p "$dir"/{run,log}
    {
        echo "daemon off;"
        echo "pid $dir/run/nginx-own.pid;"
        echo "error_log $dir/log/nginx.error;"
        # As root the workers would be somebody else, who may not read the folder.
        if [ "$(id -u)" = 0 ]; then echo "user root;"; fi
        conf
    } >"$dir/nginx.conf"
    trap 'halt nginx' EXIT # until all is well
    spawn nginx nginx -c "$dir/nginx.conf" -e "$dir/log/nginx.error"
    ready nginx 10 port_is_taken "$port"
    trap - EXIT
    say "http://127.0.0.1:$port"
}

nginx_main() {
    case ${1-} in
    start) nginx_start ;;
    stop) halt nginx ;;
    status) show nginx ;;
    wipe)
        halt nginx KILL
        remove_state
        ;;
    *) usage ;;
    esac
}
