"""Where the venue is, as an address that opens a map."""

from __future__ import annotations

from urllib.parse import urlencode

from bot.content.facts import Venue

_LABEL = 20  # characters of the name beside the pin: in an address each Chinese one takes nine
_MAP = "https://uri.amap.com/marker"  # opens in mainland China and inside WeChat, and needs no key


def map_link(venue: Venue, language: str) -> str:
    """A page with the venue on a map. Coordinates are GPS's (WGS 84): the page moves them to China's own grid."""
    position = f"{venue.longitude:.6f},{venue.latitude:.6f}"
    return (
        f"{_MAP}?{urlencode({'position': position, 'name': venue.name.of(language)[:_LABEL], 'coordinate': 'wgs84'})}"
    )
