"""Stage `evaluate`: metrics of synthetic images, pure functions, with floors and ceilings."""
