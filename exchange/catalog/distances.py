"""How far two places are apart, as the crow flies. Pure.

The great circle by the haversine formula on a sphere of the mean radius of the earth (IUGG): at
most half a per cent beside the ellipsoid, which is less than a postal code is wide.
"""

from __future__ import annotations

from math import asin, cos, degrees, radians, sin, sqrt
from typing import Final, NamedTuple

EARTH_KM: Final = 6_371.0088


class Point(NamedTuple):
    """A place in degrees: north and east are positive."""

    latitude: float
    longitude: float


def distance_km(a: Point, b: Point) -> float:
    """The length of the great circle between two points, in kilometers."""
    north, south = radians(a.latitude), radians(b.latitude)
    half_across = sin((north - south) / 2)
    half_along = sin(radians(a.longitude - b.longitude) / 2)
    chord = half_across**2 + cos(north) * cos(south) * half_along**2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(chord)))


def latitudes_within(center: Point, *, km: float) -> tuple[float, float]:
    """The least and the greatest latitude of what lies within `km` of the center."""
    reach = degrees(km / EARTH_KM)
    return center.latitude - reach, center.latitude + reach
