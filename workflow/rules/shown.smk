"""Tables and figures in Snakemake's report: under which heading, by what name, with which caption."""

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


# Table or figure -> its caption, where it stands in the report, and under what name; the report sorts both.
SHOWN = {
    "table1_datasets": ("table1", PAPER, "Table 1. Datasets"),
    "table2_fid": ("table2", PAPER, distance_name),
    "table3_pixel": ("table3", PAPER, "Table 3. Pixel metrics"),
    "audit": ("audit", PAPER, "Table 3. Pixel metrics: audit of the published PSNR"),
    "figure2_validation": ("figure2", PAPER, "Figure 2. Validation cases"),
    "figure3_best": ("figure3", PAPER, "Figure 3. Best synthetic images"),
    "figure4_worst_median_best": ("figure4", PAPER, "Figure 4. Worst, median and best"),
    "rejects": ("rejects", DATA, "Kept and rejected cases"),
    "distances": ("distances", DISTANCES, "Distances: full and polar frame"),
    "distribution": ("distribution", DISTANCES, "Overlap: precision and recall, density and coverage"),
    "fidelity": ("fidelity", FIDELITY, "Fidelity: table"),
    "bland_altman": ("bland_altman", FIDELITY, "Fidelity: Bland-Altman plots"),
    "extreme": ("extreme", FIDELITY, "Guides of extreme shape: table"),
    "extreme_sheet": ("extreme_sheet", FIDELITY, "Guides of extreme shape: images"),
    "use": ("use", USE, "Segmenters: table"),
    "use_plot": ("use_plot", USE, "Segmenters: plot"),
    "use_tests": ("use_tests", USE, "Segmenters: tests"),
    "memory": ("memory", PRIVACY, "Memory: table"),
    "memory_gallery": ("memory_gallery", PRIVACY, "Memory: the closest images"),
    "privacy": ("privacy", PRIVACY, "Privacy: identity in the files"),
    "physics": ("physics", PHYSICS, "Physics: table"),
    "depth_gain": ("depth_gain", PHYSICS, "Physics: gray over depth"),
    "diversity": ("diversity", PHYSICS, "Diversity: table"),
    "diversity_sheet": ("diversity_sheet", PHYSICS, "Diversity: samples of one guide"),
    "models": ("models", COMPARED, "Models and what they cost"),
    "ablation": ("ablation", COMPARED, "Models through every metric"),
    "paired_tests": ("paired_tests", COMPARED, "Models tested case by case"),
    "subgroups": ("subgroups", COMPARED, "Subgroups by quality, scanner and ejection fraction"),
}


def caption_file(name):
    """The path of a caption; one that is not there ends the run here, not when its report is made."""
    path = f"../report/{name}.rst"
    try:
        workflow.source_path(path)
    except FileNotFoundError:
        raise WorkflowError(f"workflow/report/{name}.rst: expected a caption for the report, found no file") from None
    return path


def shown(path, name):
    """For an output: shown in the report with the caption, at the place and under the name of the table or figure."""
    caption, category, title = SHOWN[name]
    labels = title if callable(title) else {"What": title}
    return report(path, caption=caption_file(caption), category=category, labels=labels)


def kept_sheet(dataset):
    """The sheet of a dataset's kept cases, named by the dataset's title."""
    title = f"Kept cases: {TITLES[dataset]}"
    path = f"<results>/figures/kept_{dataset}.png"
    return report(path, caption=caption_file("kept"), category=DATA, labels={"What": title})


def table_files(name):
    """A table in its three forms; the HTML is shown in the report."""
    return {
        "csv": f"<results>/tables/{name}.csv",
        "tex": f"<results>/tables/{name}.tex",
        "html": shown(f"<results>/tables/{name}.html", name),
    }


def figure_file(name, file=""):
    """A figure; its file has the figure's name where it has none of its own."""
    return shown(f"<results>/figures/{file or name}.png", name)
