# The workflow lies in workflow/Snakefile; this file lets `snakemake` be typed at the top of the repository.
include: "workflow/Snakefile"


# An included file's first rule is no default target; without this line nothing would be run.
workflow.default_target = "all"
