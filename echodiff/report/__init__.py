"""Stage `report`: the paper's tables and figures, with the published values beside ours."""
