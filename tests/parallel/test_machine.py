"""Tests of the number of cores and of available memory."""

import os

import pytest

from memmpy.parallel.machine import memory_for_pages, num_cores, num_helpers


def test_cores_are_those_the_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert num_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert num_cores() == len(allowed)


@pytest.mark.parametrize(("cores", "helpers"), [(None, 1), (1, 1), (2, 1), (3, 2), (64, 7)])
def test_with_the_caller_there_is_a_thread_for_each_core(
    cores: int | None, helpers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert num_helpers() == helpers


def test_memory_is_no_more_than_the_machine_has() -> None:
    num = memory_for_pages()
    assert num is not None
    assert 0 < num <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
