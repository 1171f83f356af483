"""One thread for NumPy's arithmetic: more of them wait for each other longer than they work on one question."""

from __future__ import annotations

from functools import cache

from threadpoolctl import threadpool_limits


@cache
def one_thread() -> None:
    """From here on, for the whole process. NumPy must be imported before."""
    threadpool_limits(1, user_api="blas")
