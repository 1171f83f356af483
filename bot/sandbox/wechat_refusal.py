"""An errcode other than 0, as cgi-bin answers it."""

from __future__ import annotations


class Refused(Exception):
    """A call that is not done."""

    def __init__(self, errcode: int, errmsg: str, ours: bool = False) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg
        self.ours = ours  # it can happen to a caller who does everything right
