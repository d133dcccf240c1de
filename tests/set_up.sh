#!/usr/bin/env bash
# Installs what the tests need beside Python: Chromium, Firefox, WebKit, Redis, PostgreSQL and Node with its packages.
# Without the rights to do so it goes on, and the tests that need what is missing say so; under CI=true those then fail.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || [ -n "${CHROMIUM:-}" ] || missing+=(chromium)
command -v redis-server >/dev/null || command -v valkey-server >/dev/null || missing+=(redis-server)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing+=(postgresql)
others=() # what some systems do not have: a Chromium that costs half, and the browsers that fewer tests need
command -v chromium-headless-shell >/dev/null || [ -n "${CHROMIUM:-}" ] || others+=(chromium-headless-shell)
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || others+=(firefox-esr)
webkit=(webkit2gtk-driver gir1.2-webkit2-4.1 python3-gi xvfb)
dpkg -s "${webkit[@]}" >/dev/null 2>&1 || others+=("${webkit[@]}")
if [ $((${#missing[@]} + ${#others[@]})) -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    [ ${#missing[@]} = 0 ] || apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    [ ${#others[@]} = 0 ] || apt-get install -y -qq --no-install-recommends "${others[@]}" >/dev/null \
        || for other in "${others[@]}"; do
            apt-get install -y -qq --no-install-recommends "$other" >/dev/null || echo "Could not be installed: $other" >&2
        done
elif [ $((${#missing[@]} + ${#others[@]})) -gt 0 ]; then
    echo "Not installed, and this user may not install it: ${missing[*]} ${others[*]}" >&2
fi

if ! command -v chromium >/dev/null && [ -z "${CHROMIUM:-}" ]; then
    .venv/bin/python -m playwright install chromium || echo "Playwright could not download its browser." >&2
fi

if ! command -v node >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt
    export PATH="$PWD/.venv/bin:$PATH"
fi
installs=()
for folder in tests/wire tests/prose tests/browser/scores examples/use-chat; do
    if [ ! -d $folder/node_modules ] || [ $folder/package-lock.json -nt $folder/node_modules ]; then
        npm --prefix $folder ci --ignore-scripts --silent --no-fund --no-audit && touch $folder/node_modules &
        installs+=($!)
    fi
done
for install in "${installs[@]}"; do wait "$install"; done
