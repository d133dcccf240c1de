#!/usr/bin/env bash
# Fails when a file that git knows, or would add, holds a string of the shape of an OpenAI key. Names the file, not the string.
set -euo pipefail
cd "$(dirname "$0")/.."
if git grep --untracked -lIE 'sk-[A-Za-z0-9_-]*T3BlbkFJ[A-Za-z0-9_-]+' -- .; then
    echo "The files above hold a key-shaped string. Take it out, and revoke the key if it was real." >&2
    exit 1
fi
