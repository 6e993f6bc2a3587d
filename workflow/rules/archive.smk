"""The report of a complete run."""

import subprocess
import sys


def make_report(files):
    """Snakemake's own report of a complete run, `<results>/report.zip`, made anew where a file is newer than it.

    `--report-after-run` would do so after a dry run and after a single stage too, and fail on the missing files.
    """
    files = [Path(file) for file in files]
    target = Path(results_folder(), "report.zip")
    if not all(file.is_file() for file in files):
        return
    if target.is_file() and target.stat().st_mtime > max(file.stat().st_mtime for file in files):
        return
    print(f"echodiff: collecting tables and figures in {target}", file=sys.stderr)
    command = [sys.executable, "-m", "snakemake", "--snakefile", workflow.main_snakefile, "--nolock"]
    command += ["--configfile", str(config_file), "--report", str(target)]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0 or not target.is_file():
        raise WorkflowError(f"{target}: expected Snakemake to write the report, it said: {finished.stderr.strip()}")
