#!/usr/bin/env bash
# Installs what the tests need beside Python: Chromium, Redis, PostgreSQL and Node with its packages. Without the rights
# to do so it goes on, and the tests that need what is missing say so; under CI=true those then fail.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || [ -n "${CHROMIUM:-}" ] || missing+=(chromium)
command -v redis-server >/dev/null || command -v valkey-server >/dev/null || missing+=(redis-server)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing+=(postgresql)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
elif [ ${#missing[@]} -gt 0 ]; then
    echo "Not installed, and this user may not install it: ${missing[*]}" >&2
fi

if ! command -v chromium >/dev/null && [ -z "${CHROMIUM:-}" ]; then
    .venv/bin/python -m playwright install chromium || echo "Playwright could not download its browser." >&2
fi

if ! command -v node >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt
    export PATH="$PWD/.venv/bin:$PATH"
fi
if [ ! -d tests/wire/node_modules ] || [ tests/wire/package-lock.json -nt tests/wire/node_modules ]; then
    npm --prefix tests/wire ci --silent --no-fund --no-audit && touch tests/wire/node_modules
fi
