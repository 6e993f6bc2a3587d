"""Names of extractors, of the metrics in their features and of the frames that they see."""

INCEPTION = "inception_2015_12_05"
EFFICIENTNET = "efficientnet_lite0"

# Its name in the configuration (`evaluate.features`) -> extractor.
OPTIONS = {"inception": INCEPTION, "efficientnet_lite0": EFFICIENTNET}

# Extractor -> names of the Frechet distance and of the kernel distance in its features.
FRECHET_NAMES = {INCEPTION: "fid", EFFICIENTNET: "fd_efficientnet_lite0"}
KERNEL_NAMES = {INCEPTION: "kid", EFFICIENTNET: "kd_efficientnet_lite0"}
TITLES = {INCEPTION: "Inception 2015-12-05", EFFICIENTNET: "EfficientNet-Lite0"}

FULL, POLAR = "full", "polar"


def metric_name(name: str, frame: str) -> str:
    """The name of a metric in a frame; what is not the full frame has its name in the metric's."""
    return name if frame == FULL else f"{name}_{frame}"
