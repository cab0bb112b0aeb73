"""Machine: how many cores a process may use."""

import os
from pathlib import Path

import pytest

from sweeps.machine import cores


@pytest.mark.parametrize(
    ('quota', 'count'),
    [
        ('max 100000', 8),
        ('200000 100000', 2),
        ('260000 100000', 3),
        ('20000 100000', 1),
        ('9900000 100000', 8),
        ('nothing', 8),
        ('a b', 8),
        (None, 8),
    ],
)
def test_a_quota_of_the_control_group_counts(monkeypatch: pytest.MonkeyPatch, quota: str | None, count: int):
    def read_text(path: Path) -> str:
        if quota is None:
            raise FileNotFoundError(path)
        assert str(path) == '/sys/fs/cgroup/cpu.max'
        return f'{quota}\n'

    monkeypatch.setattr(Path, 'read_text', read_text)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(8)), raising=False)
    assert cores() == count


@pytest.mark.parametrize(('there', 'count'), [(6, 6), (None, 1)])
def test_where_no_affinity_is_known_all_cores_count(monkeypatch: pytest.MonkeyPatch, there: int | None, count: int):
    monkeypatch.setattr(Path, 'read_text', lambda path: 'max 100000')
    monkeypatch.delattr(os, 'sched_getaffinity', raising=False)
    monkeypatch.setattr(os, 'cpu_count', lambda: there)
    assert cores() == count
