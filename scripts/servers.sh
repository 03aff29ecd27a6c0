# Servers and programs beside a script, in a scratch folder of its own; sourced, not run. All of it ends with the script, what was
# started last first.

folder=$(mktemp -d)
pids=()
finish() {
    trap - EXIT
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null && wait "${pids[i]}" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A port that nobody has.
port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Tries a command for half a minute, until it succeeds.
until_true() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "never: $*" >&2; exit 1; }

# Starts RabbitMQ, and returns once it answers; its address is in $bus then.
#
# By the script in RabbitMQ's own folder: the one on the PATH is Debian's, for a server of the whole machine. Told that it runs under
# systemd, it becomes the server itself, which SIGTERM then ends.
start_rabbitmq() {
    local port
    port=$(port)
    bus="amqp://guest:guest@127.0.0.1:$port/"
    echo '[].' >"$folder/plugins"
    printf 'listeners.tcp.1 = 127.0.0.1:%s\ndisk_free_limit.absolute = 1MB\n' "$port" >"$folder/rabbitmq.conf"
    env HOME="$folder" RUNNING_UNDER_SYSTEMD=true RABBITMQ_NODENAME="carillon-$port@localhost" RABBITMQ_DIST_PORT="$(port)" \
        RABBITMQ_CONFIG_FILE="$folder/rabbitmq" RABBITMQ_CONF_ENV_FILE="$folder/none" RABBITMQ_MNESIA_BASE="$folder/data" \
        RABBITMQ_LOG_BASE="$folder" RABBITMQ_FEATURE_FLAGS_FILE="$folder/flags" RABBITMQ_PID_FILE="$folder/pid" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}' \
        /usr/lib/rabbitmq/bin/rabbitmq-server >"$folder/broker.log" 2>&1 </dev/null & pids+=($!)
    until_true /usr/bin/python3 -c 'import pika, sys; pika.BlockingConnection(pika.URLParameters(sys.argv[1]))' "$bus"
}
