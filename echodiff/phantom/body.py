"""The heart in space: chambers and walls as bodies with elliptic cross-sections about the ventricle's long axis.

In the 4CH plane (q = 0) a body's edges are exactly the contours of `anatomy.profiles`. World coordinates: x mm
across the probe, y mm of depth, z mm of elevation, the probe's face at the origin.
"""

from dataclasses import dataclass

import numpy as np

from echodiff.phantom.anatomy import Anatomy, Profile, profiles

TABLE_STEP = 0.25  # mm along the long axis between tabulated edges


@dataclass(frozen=True)
class Pose:
    """How the 4CH plane lies in the volume: turned about the beam's axis, then tilted out of it, in degrees."""

    turn: float
    tilt: float

    def matrix(self) -> np.ndarray:
        """Rotation (3, 3) from plane coordinates (x, y, q) to world coordinates (x, y, z)."""
        turn, tilt = np.radians(self.turn), np.radians(self.tilt)
        about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
        about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        return about_y @ about_x


def plane_to_world(pose: Pose, points: np.ndarray) -> np.ndarray:
    """Points (..., 3) of (x, y, q) in mm -> (..., 3) of (x, y, z) in mm."""
    return points @ pose.matrix().T


def world_to_plane(pose: Pose, points: np.ndarray) -> np.ndarray:
    """Points (..., 3) of (x, y, z) in mm -> (..., 3) of (x, y, q) in mm."""
    return points @ pose.matrix().astype(points.dtype)


def landmarks(a: Anatomy, pose: Pose) -> dict[str, np.ndarray]:
    """Endocardial apex, middle of the mitral annulus and its lateral end, world coordinates (3,) in mm."""
    sin, cos = np.sin(np.radians(a.tilt)), np.cos(np.radians(a.tilt))
    heart = {
        "apex": (0.0, 0.0),
        "mitral_centre": (0.0, a.lv_length),
        "lateral_annulus": (a.annulus_width / 2, a.lv_length),
    }
    return {
        name: plane_to_world(pose, np.array([a.apex_x + u * sin + v * cos, a.apex_depth + u * cos - v * sin, 0.0]))
        for name, (v, u) in heart.items()
    }


class Bodies:
    """Inside-outside tests of the heart's bodies at points given in heart coordinates (v, u, q), float32 arrays."""

    def __init__(self, a: Anatomy, v: np.ndarray, u: np.ndarray, q: np.ndarray):
        self.anatomy, self.v, self.u = a, v, u
        self._q2 = (q / np.float32(a.roundness)) ** 2
        parts = profiles(a)
        self._start = float(min(p.u[0] for p in parts.values())) - 10
        stop = float(max(p.u[-1] for p in parts.values())) + 20
        self._rows = np.clip(
            ((u - self._start) / TABLE_STEP).astype(np.int32), 0, int((stop - self._start) / TABLE_STEP)
        )
        self._table_u = self._start + TABLE_STEP * (0.5 + np.arange(int((stop - self._start) / TABLE_STEP) + 1))
        # The right ventricle wraps round the left one: its body reaches to the long axis, the left is painted over it.
        rv, wall = parts["RV"], parts["RV_WALL"]
        self.parts = parts | {"RV": Profile(rv.u, rv.left, 0 * rv.u), "RV_WALL": Profile(wall.u, wall.left, 0 * wall.u)}

    def inside(self, key: str, grown: float = 0.0) -> np.ndarray:
        """Where a body is, bool; `grown` mm larger across its axis and at its lower end."""
        profile = self.parts[key]
        u = np.append(profile.u, profile.u[-1] + grown) if grown else profile.u
        left, right = (np.append(e, e[-1]) if grown else e for e in (profile.left, profile.right))
        middle = np.interp(self._table_u, u, (left + right) / 2)
        half = np.interp(self._table_u, u, (right - left) / 2 + grown, left=0.0, right=0.0)
        half[(self._table_u < u[0]) | (self._table_u > u[-1])] = 0.0
        rows = self._rows
        return (self.v - middle.astype(np.float32)[rows]) ** 2 + self._q2 < (half.astype(np.float32) ** 2)[rows]

    def labels(self) -> np.ndarray:
        """Label of every point, uint8: 0 background, 1 LV, 2 MYO, 3 LA."""
        out = np.zeros(self.v.shape, np.uint8)
        for value, name, key in ((3, "LA", "LA"), (2, "MYO", "EPI"), (1, "LV", "LV")):
            if name not in self.anatomy.missing:
                out[self.inside(key)] = value
        return out

    def valve(self) -> np.ndarray:
        """Where the closed mitral leaflets are: a thin dome over the annulus, bool."""
        a = self.anatomy
        rho2 = (self.v**2 + self._q2) / np.float32((a.annulus_width / 2) ** 2)
        dome = a.lv_length - 0.3 * a.leaflet_length * (1 - rho2)
        return (rho2 < 1) & (np.abs(self.u - dome) < 1.2)
