"""`flask scan` on real repositories: what it finds in files, in the index and in history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fake_openai_parts.keys import make_key
from tests.scan.planted import ANYWHERE, ON_LINE_2, make_keys
from tests.scan.repository import Repository, digits, lines, run


def test_all_keys_in_a_tree_are_found_and_nothing_else(repository: Repository) -> None:
    for name, place in (ON_LINE_2 | ANYWHERE).items():
        for number, key in enumerate(make_keys()[::3]):
            path = f"folder {number}/{name}"
            file = repository.write(path, "")
            file.write_bytes(place(key))
            repository.keys.append(key)
            repository.planted.add((path, digits(key)))
    assert len(repository.planted) >= 150
    assert repository.scan() == repository.planted
    repository.git("add", "-A")
    assert repository.scan("--staged") == repository.planted
    repository.commit()
    assert repository.scan("--history") == repository.planted


def test_a_checkout_is_what_git_tracks_or_would_add(repository: Repository) -> None:
    repository.write(".gitignore", ".env\nbuild/\n")
    repository.write("tracked.txt", repository.key("tracked.txt"))
    repository.write("deleted.txt", make_key())
    repository.commit()
    (repository.folder / "deleted.txt").unlink()
    repository.write("new ä.txt", repository.key("new ä.txt"))
    repository.write(".env", make_key())
    ignored = repository.write("build/out.js", make_key())
    (repository.folder / "link.txt").symlink_to("build/out.js")
    assert repository.scan() == repository.planted
    assert len(lines(run(str(ignored.parent)))) == len(lines(run(str(ignored)))) == 1  # named, it is scanned


def test_a_folder_outside_of_git_is_scanned_whole(tmp_path: Path) -> None:
    key = make_key()
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in (".env", "a/b/deep.txt"):
        (tmp_path / name).write_text(f"A={key}")
    found = run(str(tmp_path))
    for name in (".env", "a/b/deep.txt"):
        assert f"{tmp_path}/{name}:1: OpenAI project key ({digits(key)})\n" in found.output
    assert "\n2 files, 2 found.\n" in found.output
    assert "if-it-leaks" in found.output


def test_a_key_in_a_files_name_is_found_and_not_shown(repository: Repository) -> None:
    key = make_key()
    repository.keys.append(key)
    repository.write(f"a/{key}.txt", "text")
    assert repository.scan() == {("a/[secret].txt", digits(key))}
    repository.commit()
    assert repository.scan("--history") == {("a/[secret].txt", digits(key))}


def test_staged_is_the_index_and_not_the_file(repository: Repository) -> None:
    repository.write("first.txt", repository.key("first.txt"))
    repository.git("add", "-A")
    repository.write("first.txt", "clean now, but not staged")
    assert repository.scan("--staged") == repository.planted  # with no commit yet
    repository.commit()
    repository.write("second.txt", make_key())
    assert repository.scan("--staged") == set()
    repository.git("rm", "-q", "first.txt")
    assert repository.scan("--staged") == set()


def test_staged_sees_a_conflict_settled_and_a_submodule_skipped(repository: Repository) -> None:
    repository.commit()
    repository.git("checkout", "-q", "-b", "side")
    repository.write("a.txt", "side")
    head = repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("a.txt", "main")
    repository.commit()
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "side")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},module")
    assert repository.scan("--staged") == set()
    repository.write("a.txt", repository.key("a.txt"))
    repository.git("add", "a.txt")
    assert repository.scan("--staged") == repository.planted


def test_history_holds_what_is_gone_and_what_only_other_places_point_to(repository: Repository) -> None:
    commit_of = {}
    repository.write("kept.txt", "text")
    repository.commit()
    repository.write("deleted ö.txt", f"a\n{repository.key('deleted ö.txt')}")
    commit_of["deleted ö.txt"] = repository.commit()
    repository.git("rm", "-q", "deleted ö.txt")
    repository.commit()
    repository.git("checkout", "-q", "-b", "side")
    repository.write("side.txt", repository.key("side.txt"))
    commit_of["side.txt"] = repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("main.txt", "text")
    repository.commit()
    repository.git("merge", "-q", "--no-ff", "--no-commit", "side")
    repository.write("evil.txt", repository.key("evil.txt"))  # in neither parent
    commit_of["evil.txt"] = repository.commit("merge")
    repository.git("rm", "-q", "evil.txt", "side.txt")
    repository.commit()
    for number in (1, 2):
        repository.write("kept.txt", repository.key("kept.txt"))
        repository.write(f"untracked{number}.txt", repository.key(f"untracked{number}.txt"))
        repository.git("stash", "-q", "-u")
    repository.git("checkout", "-q", "--orphan", "other")
    repository.write("orphan.txt", repository.key("orphan.txt"))
    commit_of["orphan.txt"] = repository.commit()
    repository.git("checkout", "-q", "--detach")
    repository.write("detached.txt", repository.key("detached.txt"))
    commit_of["detached.txt"] = repository.commit(f"subject\n\n{repository.key('commit message')}")
    commit_of["commit message"] = commit_of["detached.txt"]
    repository.git("tag", "-a", "v1", "-m", repository.key("tag message"))
    repository.git("notes", "add", "-m", "a note")
    loose = repository.write("loose.txt", repository.key(""))
    repository.git("tag", "loose", repository.git("hash-object", "-w", loose.name))
    loose.unlink()
    repository.git("gc", "-q")
    repository.write("uncommitted.txt", make_key())
    assert repository.scan("--history") == {
        (path or "file that only a tag points to", value) for path, value in repository.planted
    }
    for commit, path, line, _, _ in lines(run("--history", str(repository.folder))):
        assert path not in commit_of or commit == commit_of[path][:12]
        assert line == {"deleted ö.txt": "2", "commit message": "3"}.get(path, "1")


def test_one_key_in_many_versions_of_a_file_is_one_hit_at_the_commit_that_brought_it(repository: Repository) -> None:
    key = repository.key("old.txt")
    repository.write("old.txt", f"{key}\n0")
    brought = repository.commit()
    for number in range(1, 4):
        repository.write("old.txt", f"\n{key}\n{number}")
        repository.commit()
    found = lines(run("--history", str(repository.folder)))
    assert found == [(brought[:12], "old.txt", "1", digits(key), "4")]


def test_a_bare_repository_has_a_history_and_an_empty_one_is_clean(repository: Repository, tmp_path: Path) -> None:
    assert repository.scan("--history") == set()
    repository.write("a.txt", repository.key("a.txt"))
    repository.commit()
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert len(lines(run("--history", str(tmp_path / "bare.git")))) == 1


def test_a_shallow_clone_says_that_its_history_is_cut(repository: Repository, tmp_path: Path) -> None:
    for number in range(2):
        repository.write("a.txt", str(number))
        repository.commit()
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.folder}", str(tmp_path / "shallow"))
    assert "shallow" in run("--history", str(tmp_path / "shallow")).output
