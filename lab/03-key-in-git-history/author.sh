# What the author did in the app's folder, after the first run: committed all of it, noticed the key, and deleted it.
set -e
git init --quiet
git config user.name author
git config user.email author@localhost
git add .
git commit --quiet --message "My chat"
echo settings.json > .gitignore
git rm --quiet --cached --ignore-unmatch settings.json
git add .gitignore
git commit --quiet --message "Remove the settings, my key is in there"
