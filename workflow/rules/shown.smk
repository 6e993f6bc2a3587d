"""How tables and figures are said in report.smk, and shown in Snakemake's report: heading, title and caption."""

from dataclasses import dataclass, field

PAPER = "1 The paper's tables and figures"
DATA = "2 Data"
DISTANCES = "3 Distances"
FIDELITY = "4 Fidelity to the label map"
USE = "5 Use"
PRIVACY = "6 Memory and privacy"
PHYSICS = "7 Physics and diversity"
COMPARED = "8 The models side by side"


def distance_name(wildcards):
    """Table 2's entry in the report: whether its distance is the FID is known after the run alone."""
    with open(f"{results_folder()}/features/extractor.json", encoding="utf-8") as file:
        is_fid = json.load(file)["extractor"] == INCEPTION
    return {"What": "Table 2. FID" if is_fid else "Table 2. Frechet distance (not FID)"}


@dataclass(frozen=True)
class Entry:
    """A table or figure with a rule of its own, which `echodiff report` makes of explicit files."""

    name: str  # the rule's
    heading: str  # under which it stands in the report
    title: str  # by which it stands there
    files: list  # what it is made of
    cases: list = field(default_factory=list)  # case tables, where the command takes them with --cases
    command: str = ""  # of `echodiff report`; the rule's name where not given
    file: str = ""  # in tables/ or figures/, without ending; named like the command where not given
    params: dict = field(default_factory=dict)  # options that change it, besides those that the loop gives to all
    code: list = field(default_factory=list)  # what it runs of the package, besides `report`
    wanted: bool = True  # whether it is part of a run: what it needs is switched on

    @property
    def subcommand(self):
        return self.command or self.name.replace("_", "-")

    @property
    def order(self):
        """For `params`: that of the configuration, which rows follow. Snakemake compares the inputs as a set."""
        return [*self.files, *self.cases]

    @property
    def caption(self):
        """The name of the file in workflow/report/: that of the command."""
        return self.subcommand.replace("-", "_")

    @property
    def shown(self):
        """What `table_files` and `figure_file` take."""
        return self.file or self.caption, self.heading, self.title, self.caption


def caption_file(name):
    """The path of a caption; one that is not there ends the run here, not when its report is made."""
    path = f"../report/{name}.rst"
    try:
        workflow.source_path(path)
    except FileNotFoundError:
        raise WorkflowError(f"workflow/report/{name}.rst: expected a caption for the report, found no file") from None
    return path


def in_report(path, heading, title, caption):
    """For an output: shown in the report under the heading and the title, which a function may give after the run."""
    labels = title if callable(title) else {"What": title}
    return report(path, caption=caption_file(caption), category=heading, labels=labels)


def table_files(file, heading, title, caption):
    """A table in its three forms; the HTML is shown in the report."""
    return {
        "csv": f"<results>/tables/{file}.csv",
        "tex": f"<results>/tables/{file}.tex",
        "html": in_report(f"<results>/tables/{file}.html", heading, title, caption),
    }


def figure_file(file, heading, title, caption):
    return in_report(f"<results>/figures/{file}.png", heading, title, caption)
