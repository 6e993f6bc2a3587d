"""The kinds of machine that are imitated: what their probe, beam former and screen do to the same tissue.

The settings were fixed before any model was trained, by the distances that benchmarks/phantom_distances.py prints:
every machine at least three times the floor from CAMUS, in the paper's order (Vscan Air, Vscan, EchoNet, 2D + t, 3D).
The EPIQ, which the paper does not have, keeps to the first of the two: it lies at 5 times the floor.
A change here changes what every model is judged on: run that script again and say so in the release notes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Settings of one kind of machine. Levels in dB are relative to healthy myocardium; spreads are over patients."""

    name: str
    number: int  # goes into the seeds of its patients: its own, and never another one, or all its images change
    manufacturer: str
    model: str
    half_angle: float = 37.4  # degrees, half opening angle of the sector
    other_angles: float = 0.0  # share of patients with another one, 30 to 45 degrees
    virtual_apex: float = 0.0  # mm behind the probe's face; above 0 the top is curved
    rows: int = 0  # height of the sector on the screen in pixels; 0: fixed pixel size
    pixel: float = 0.308  # mm, where rows is 0
    columns_kept: float = 1.0  # share of the sector's width that is on the screen (archives that crop to squares)
    ranges: int = 512  # samples along a line, a multiple of 8
    lines: int = 192  # lines of the sector, a multiple of 8; few lines can be seen
    line_jitter: float = 0.0  # dB, gain differences between neighbouring lines (parallel receive beams)
    axial: float = 0.26  # mm, standard deviation of the point spread along the line
    lateral: float = 0.009  # radians, the same across lines: it widens with depth
    dynamic_range: float = 50.0  # dB
    dynamic_range_sd: float = 3.0
    gain: float = 0.0  # dB
    gain_sd: float = 3.0
    gamma: float = 1.0  # gray curve: below 1 lifts dark grays, above 1 presses them down
    noise: float = -8.5  # dB, veil over the blood at 100 mm depth
    noise_sd: float = 2.5
    noise_slope: float = 0.045  # dB a mm of depth
    haze: float = -14.5  # dB, clutter from the side lobes of bright structures near by
    near: float = 10.0  # dB, reverberation below the probe's face
    near_reach: float = 6.0  # mm over which it falls by a factor of e
    tgc: float = 2.0  # dB, spread of random gain ramps over the depth
    dropout: float = 1.0  # strength of shadows and of the weak lateral wall, 1 as in a Vivid E95
    smoothing: float = 0.65  # display filter against speckle, standard deviation relative to the point spread's
    edge: float = 0.0  # amount of the unsharp mask
    edge_mm: float = 1.0  # its radius (at mid depth across the lines)
    persistence: float = 0.0  # share of the previous frame that stays on the screen
    jpeg: int = 0  # quality of lossy compression; 0 none
    elevations: int = 0  # planes of a volume; 0 for a machine that makes frames
    half_elevation: float = 32.0  # degrees
    voxel: float = 1.0  # mm, of the exported volume


REFERENCE_DB = -26.5  # healthy myocardium on the screen at gain 0, below white

MACHINES: dict[str, Machine] = {
    machine.name: machine
    for machine in (
        Machine("camus", 0, "GE Vingmed Ultrasound", "Vivid E95", other_angles=0.1),
        Machine(  # a first-generation handheld: small screen, strong filters, high contrast
            "vscan",
            1,
            "GE Healthcare",
            "Vscan Extend",
            half_angle=35,
            rows=204,
            ranges=320,
            lines=64,
            axial=0.38,
            lateral=0.020,
            dynamic_range=36,
            gain=4,
            gamma=1.2,
            haze=-10,
            smoothing=1.0,
            edge=2.0,
            edge_mm=1.5,
            jpeg=60,
        ),
        Machine(  # curved top, bright, hazy, speckle filtered away
            "vscan_air",
            2,
            "GE Healthcare",
            "Vscan Air",
            half_angle=40,
            virtual_apex=22,
            rows=900,
            lines=80,
            axial=0.36,
            lateral=0.021,
            dynamic_range=48,
            gain=4,
            gamma=0.8,
            noise=-15,
            haze=-9,
            smoothing=1.7,
            edge=1.5,
            edge_mm=1.4,
            persistence=0.4,
        ),
        Machine(  # archive of 112 x 112 squares: coarse pixels, wide angle, corners cut, dark blood
            "echonet",
            3,
            "Philips",
            "iE33",
            half_angle=44,
            rows=98,
            columns_kept=0.825,
            ranges=256,
            lines=96,
            axial=0.30,
            lateral=0.020,
            dynamic_range=46,
            gain=3,
            noise=-16,
            haze=-16,
            jpeg=90,
        ),
        Machine(  # an older cart machine: few lines, grainy, hard gray curve, edges enhanced
            "2d_t",
            4,
            "GE Vingmed Ultrasound",
            "Vivid 7",
            rows=620,
            lines=80,
            axial=0.24,
            lateral=0.014,
            dynamic_range=42,
            gain=-1,
            gamma=1.42,
            haze=-12,
            smoothing=0.3,
            edge=0.7,
            persistence=0.5,
            line_jitter=1.5,
        ),
        Machine(  # volumes: few, wide beams in both directions
            "3d_spatial",
            5,
            "GE Vingmed Ultrasound",
            "Vivid E9",
            half_angle=36,
            ranges=256,
            lines=56,
            axial=0.32,
            lateral=0.020,
            dynamic_range=48.5,
            gain=-1,
            noise=-10.8,
            haze=-13,
            smoothing=0.3,
            elevations=48,
            half_elevation=34,
            voxel=0.9,
        ),
        Machine(  # a cart machine of another maker: compounded, an adaptive filter against speckle, soft gray curve
            "epiq",
            6,
            "Philips",
            "EPIQ 7",
            half_angle=42,
            rows=495,
            lines=128,
            axial=0.30,
            lateral=0.014,
            dynamic_range=52,
            gain=1,
            gamma=1.1,
            noise=-15,
            haze=-16,
            smoothing=1.3,
            edge=1.2,
            edge_mm=1.2,
        ),
    )
}
