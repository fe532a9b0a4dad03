"""Names and paths of the friends of a file."""

import re
from pathlib import Path
from typing import Any

import fsspec
import pytest

from memmpy.errors import MissingFileError, OptionError
from memmpy.sources import Status, check_friends, describe, find_friend, friend_paths, masked
from memmpy.sources.access.credentials import full_url
from memmpy.sources.friend_paths import name_of_friend


@pytest.fixture
def main(tmp_path: Path) -> Path:
    return put(tmp_path / "2016/ttH.v2.root")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("scores.root", "2016/scores.root"),
        ("friends/{stem}.parquet", "2016/friends/ttH.v2.parquet"),
        ("../friends/{parent.name}/{name}", "friends/2016/ttH.v2.root"),
        ("{parent}/{stem}_scores.root", "2016/ttH.v2_scores.root"),
        ("TMP/{name}", "ttH.v2.root"),
        ("{{{stem}}}.root", "2016/{ttH.v2}.root"),
        (Path("friends/{name}"), "2016/friends/ttH.v2.root"),
    ],
)
def test_a_path_is_relative_to_the_folder_of_the_file(
    main: Path, tmp_path: Path, template: Any, place: str
) -> None:
    expected = put(tmp_path / place)
    if isinstance(template, str):
        template = template.replace("TMP", str(tmp_path))
    friends = check_friends({"scores": template})
    friend = find_friend("scores", friends["scores"], describe(str(main)))
    assert friend.path == str(expected.resolve())
    assert friend.state == describe(str(expected)).state


def test_none_is_the_file_itself(main: Path) -> None:
    status = describe(str(main))
    friend = find_friend("tracks", None, status)
    assert (friend.path, friend.state) == (status.path, status.state)


@pytest.mark.parametrize(
    ("url", "template", "friend"),
    [
        ("memory://a/b/f.root", "x/{stem}.h5", "memory://a/b/x/f.h5"),
        ("memory://a/b/f.root", "../x/{name}", "memory://a/x/f.root"),
        ("memory://a/b/f.root", "memory://c/{parent.name}.root", "memory://c/b.root"),
        ("simplecache::memory://a/f.root", "{stem}.s.root", "simplecache::memory://a/f.s.root"),
    ],
)
def test_the_friend_of_a_url_is_a_url(url: str, template: str, friend: str) -> None:
    memory = fsspec.filesystem("memory")
    for path in (url, friend):
        memory.pipe_file(path.removeprefix("simplecache::"), b"x")
    assert find_friend("s", template, describe(url)).path == friend
    memory.store.clear()


def test_a_query_stays_and_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look(path: str) -> Any:
        asked.append(full_url(path))
        raise MissingFileError(f"no such file: {path!r}")

    monkeypatch.setattr(friend_paths, "describe", look)
    status = Status(masked("https://h/d/f.root?token=abc"), 1, 0, "")
    with pytest.raises(MissingFileError, match=r"no such file: '.*s/f.root\?token=REDACTED'"):
        find_friend("s", "s/{name}", status)
    assert asked == ["https://h/d/s/f.root?token=abc"]


def test_a_missing_file_names_the_nearest(main: Path, tmp_path: Path) -> None:
    put(tmp_path / "2016/friends/ttH.root")
    status = describe(str(main))
    message = (
        r"the friend 'scores' of '.*/ttH.v2.root' is missing: no such file: "
        r"'.*/2016/{}'; nearest: '{}' in '.*{}'$"
    )
    for path, near, folder in [
        ("friends/ttH.v2.root", "ttH.root", "2016/friends"),
        ("frends/ttH.root", "friends", "2016"),
    ]:
        with pytest.raises(MissingFileError, match=message.format(path, near, folder)):
            find_friend("scores", path, status)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("scores", ("scores", "scores")),
        ("dir/scores;2", ("dir/scores;2", "dir/scores;2")),
        ("a = Events", ("a", "Events")),
        ("a=/dir/Events/", ("a", "dir/Events")),
        ("root = /", ("root", "/")),
    ],
)
def test_a_key_names_the_friend_and_its_tree(key: str, expected: tuple[str, str]) -> None:
    assert name_of_friend(key) == expected


@pytest.mark.parametrize(
    ("friends", "message"),
    [
        ({"": "a.root"}, "friends of an RFileConfig names trees, got ''"),
        ({"a =": "a.root"}, "names trees, got 'a ='"),
        ({3: "a.root"}, "names trees, got 3"),
        ({"s": 3}, r"friends['s'] of an RFileConfig is a path such as 'friends/{stem}.root', or"),
        ({"s": "{stm}.root"}, "has the placeholder {stm}, the known ones are {stem}, {name}, {par"),
        ({"s": "{stm}.root"}, "nearest: 'stem'"),
        ({"s": "{}.root"}, "has the placeholder {}"),
        ({"s": "{stem!r}.root"}, "has the placeholder {stem}"),
        ({"s": "{stem.root"}, "write {{ or }} for a brace"),
        ({"s": "friends/*.root"}, "is one file for each file, not a pattern"),
        ({"a = t": "1.root", "a": "2.root"}, "the friends 'a = t' and 'a' have one name"),
    ],
)
def test_what_is_no_friend_is_refused(friends: Any, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        check_friends(friends)
