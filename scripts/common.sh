# Shared by the scripts beside it; sourced, not run.

# Installs Debian packages that are missing.
need() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    echo "installing: ${missing[*]}" >&2
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq
    # Debian starts a server as it installs it, unless this file says no (deb-systemd-invoke(1p)); tests start their own.
    local policy=/usr/sbin/policy-rc.d made=false failed=0
    if [ ! -e "$policy" ]; then
        "${root[@]}" sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
        made=true
    fi
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || failed=$?
    if $made; then "${root[@]}" rm -f "$policy"; fi
    return "$failed"
}

# A virtual environment of Python in .build/venvs, with these packages: venv NAME PACKAGE...
venv() {
    local folder=.build/venvs/$1 want="${*:2}"
    [ "$(cat "$folder/packages" 2>/dev/null)" = "$want" ] && return
    echo "installing: $want" >&2
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check "${@:2}"
    echo "$want" >"$folder/packages"
}

command -v swift >/dev/null || { echo "there is no swift on the PATH; see https://www.swift.org/install/linux" >&2; exit 1; }
need libcurl4-openssl-dev libmariadb-dev libmongoc-dev libpq-dev librabbitmq-dev libsqlite3-dev pkg-config tzdata zlib1g-dev
