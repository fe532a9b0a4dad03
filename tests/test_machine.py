import os

from memmpy.machine import memory_for_pages, num_cores


def test_cores_are_those_the_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert num_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert num_cores() == len(allowed)


def test_memory_is_no_more_than_the_machine_has() -> None:
    num = memory_for_pages()
    assert num is not None
    assert 0 < num <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
