"""Clones the repository, reads all that was ever committed, and spends with the key.

On this app: the history of this checkout, or of its files alone where they came without one.
"""

import subprocess
import tempfile

from lab.evidence import repository
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

GIT_LOG = ["log", "--all", "--patch", "--text", "--format=commit %h: %s"]

with tempfile.TemporaryDirectory() as clone:
    subprocess.run(["git", "clone", "--quiet", "--bare", repository(), clone], check=True)
    history = subprocess.Popen(
        ["git", "-C", clone, *GIT_LOG], stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    commit, commits = "", 0
    for line in history.stdout:
        if line.startswith("commit "):
            commit, commits = line.strip(), commits + 1
        elif key := key_in(line):
            print(f"The last commit has no key in it, but {commit!r} has.")
            spend(key)
            worked("What was committed once is in every clone.")
if history.wait() or not commits:
    not_made("There is no history.")
failed(f"There is no key in any of {commits} commits.")
