# Metrics and images -> the paper's tables and figures, collected by Snakemake's own report. An entry of TABLES or
# FIGURES is a rule of its name, made by the loops behind them; what is made in another way has its rule written out.
# With the training dataset alone there are no SOURCES, and nothing that shows translations of them is wanted.


TABLES = [
    Entry(
        "table1",
        PAPER,
        "Table 1. Datasets",
        files=case_tables(),
        file="table1_datasets",
        params={"scanners": SCANNERS},
    ),
    Entry(
        "table3",
        PAPER,
        "Table 3. Pixel metrics",
        files=metric_files("pixel", LABELLED, MODELS) + metric_files("pixel", SOURCES, TRIVIAL),
        cases=case_tables(),
        file="table3_pixel",
    ),
    Entry(
        "audit",
        PAPER,
        "Table 3. Pixel metrics: audit of the published PSNR",
        files=metric_files("pixel", LABELLED, MODELS) + metric_files("pixel", SOURCES, TRIVIAL),
    ),
    Entry(
        "rejects",
        DATA,
        "Kept and rejected cases",
        files=case_tables(),
        code=["ingest/case_table/reasons.py"],
    ),
    Entry(
        "distances",
        DISTANCES,
        "Distances: full and polar frame",
        files=metric_files("frechet", SOURCES),
        code=["evaluate/names.py"],
        wanted=bool(SOURCES),
    ),
    Entry(
        "distribution",
        DISTANCES,
        "Overlap: precision and recall, density and coverage",
        files=metric_files("frechet", SOURCES),
        wanted=bool(SOURCES),
    ),
    Entry(
        "fidelity_table",
        FIDELITY,
        "Fidelity: table",
        files=fidelity_files(),
        cases=case_tables(),
        command="fidelity",
        wanted=options.evaluate.segmentation.enabled,
    ),
    Entry(
        "extreme_table",
        FIDELITY,
        "Guides of extreme shape: table",
        files=expand("<results>/metrics/{model}/extreme.parquet", model=MODELS),
        cases=case_tables(),
        command="extreme",
        code=["evaluate/extreme.py"],
        wanted=with_extreme(),
    ),
    Entry(
        "use_table",
        USE,
        "Segmenters: table",
        files=use_files(),
        cases=case_tables(),
        command="use",
        code=[*COUNTING, "evaluate/paired.py"],
        wanted=options.evaluate.use.enabled,
    ),
    Entry(
        "use_tests",
        USE,
        "Segmenters: tests",
        files=use_files(),
        cases=case_tables(),
        code=[*COUNTING, "evaluate/paired.py"],
        wanted=options.evaluate.use.enabled,
    ),
    Entry(
        "memory_table",
        PRIVACY,
        "Memory: table",
        files=metric_files("memory", SOURCES),
        cases=case_tables(),
        command="memory",
        params={"limit": options.evaluate.memory.max_flagged_share},
        code=[*COUNTING, "evaluate/share.py", "evaluate/interval.py", "evaluate/parts.py"],
        wanted=with_memory(),
    ),
    Entry(
        "privacy",
        PRIVACY,
        "Privacy: identity in the files",
        files=case_tables(),
        params={"names": {name: dataset.case_ids for name, dataset in options.datasets.items()}},
    ),
    Entry(
        "physics_table",
        PHYSICS,
        "Physics: table",
        files=physics_files(),
        cases=case_tables(),
        command="physics",
        wanted=with_physics(),
    ),
    Entry(
        "diversity_table",
        PHYSICS,
        "Diversity: table",
        files=metric_files("diversity", [TRAINING], MODELS),
        command="diversity",
        code=["evaluate/diversity.py", "evaluate/diversity_table.py", "translate/sample_ids.py", "spread.py"],
        wanted=options.evaluate.diversity.enabled,
    ),
    Entry(
        "ablation",
        COMPARED,
        "Models through every metric",
        files=ablation_files(),
        cases=case_tables(),
        params={"draws": [options.evaluate.draws, options.evaluate.seed]},
        code=[*COUNTING, "evaluate/paired.py", "evaluate/physics_distance.py", "evaluate/share.py"],
        wanted=options.report.ablation.enabled,
    ),
    Entry(
        "paired_tests",
        COMPARED,
        "Models tested case by case",
        files=score_files(),
        cases=case_tables(),
        params={"against": options.ablation_reference},
        code=[*COUNTING, "evaluate/paired.py"],
        wanted=options.report.ablation.enabled and len(MODELS) > 1,
    ),
    Entry(
        "subgroups",
        COMPARED,
        "Subgroups by quality, scanner and ejection fraction",
        files=score_files(),
        cases=case_tables(),
        params={"scanners": SCANNERS},
        code=[*COUNTING, "evaluate/paired.py"],
        wanted=options.report.subgroups,
    ),
]


for table in TABLES:

    rule:
        name:
            table.name
        input:
            files=table.files,
            cases=table.cases,
        output:
            **table_files(*table.shown),
        log:
            f"<logs>/report/{table.name}.log",
        params:
            **table.params,
            # The text of `shell` is looked at when a job runs: the loop's variable would be its last.
            command=table.subcommand,
            config=configuration,
            order=table.order,
            stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
            cases=given("cases", "cases"),
            titles=TITLES,
            code=code("report", *table.code),
        shell:
            "echodiff report {params.command} --config {params.config} --output {params.stem} {params.cases} "
            "{input.files} > {log} 2>&1"


FIGURES = [
    Entry(
        "figure2",
        PAPER,
        "Figure 2. Validation cases",
        files=figure_input([TRAINING], metrics=False),
        cases=case_tables([TRAINING]),
        file="figure2_validation",
        params={"title": TITLES[TRAINING], "validation_cases": options.report.validation_cases},
        code=["spread.py"],
    ),
    Entry(
        "figure3",
        PAPER,
        "Figure 3. Best synthetic images",
        files=figure_input(SOURCES, metrics=True),
        cases=case_tables(SOURCES),
        file="figure3_best",
        params={"titles": TITLES},
        code=["spread.py"],
        wanted=bool(SOURCES),
    ),
    Entry(
        "figure4",
        PAPER,
        "Figure 4. Worst, median and best",
        files=figure_input(SOURCES, metrics=True),
        cases=case_tables(SOURCES),
        file="figure4_worst_median_best",
        params={"titles": TITLES},
        code=["spread.py"],
        wanted=bool(SOURCES),
    ),
    Entry(
        "bland_altman",
        FIDELITY,
        "Fidelity: Bland-Altman plots",
        files=fidelity_files(),
        cases=case_tables(),
        params={"titles": TITLES, "model": options.headline_model},
        code=[*COUNTING, "evaluate/paired.py"],
        wanted=options.evaluate.segmentation.enabled,
    ),
    Entry(
        "extreme_sheet",
        FIDELITY,
        "Guides of extreme shape: images",
        files=expand("<results>/extreme/{model}/{dataset}.h5", model=MODELS, dataset=[TRAINING]),
        file="extreme",
        params={"title": TITLES[TRAINING]},
        code=["evaluate/extreme.py"],
        wanted=with_extreme(),
    ),
    Entry(
        "use_plot",
        USE,
        "Segmenters: plot",
        files=use_files(),
        cases=case_tables(),
        file="use",
        params={"title": TITLES[TRAINING]},
        code=[*COUNTING, "evaluate/paired.py"],
        wanted=options.evaluate.use.enabled,
    ),
    Entry(
        "memory_gallery",
        PRIVACY,
        "Memory: the closest images",
        files=[
            f"<results>/data/{TRAINING}/images.h5",
            *expand("<results>/translations/{model}/{dataset}.h5", model=options.headline_model, dataset=SOURCES),
            *metric_files("memory", SOURCES, [options.headline_model]),
        ],
        cases=case_tables(SOURCES),
        params={"titles": TITLES},
        code=[*COUNTING, "evaluate/share.py", "evaluate/interval.py", "evaluate/parts.py"],
        wanted=with_memory(),
    ),
    Entry(
        "depth_gain",
        PHYSICS,
        "Physics: gray over depth",
        files=physics_files(),
        params={"titles": TITLES},
        wanted=with_physics(),
    ),
    Entry(
        "diversity_sheet",
        PHYSICS,
        "Diversity: samples of one guide",
        files=[f"<results>/samples/{options.headline_model}/{TRAINING}.h5"],
        file="diversity",
        params={"title": TITLES[TRAINING]},
        code=["evaluate/diversity.py", "evaluate/diversity_table.py", "translate/sample_ids.py", "spread.py"],
        wanted=options.evaluate.diversity.enabled,
    ),
]


for figure in FIGURES:

    rule:
        name:
            figure.name
        input:
            files=figure.files,
            cases=figure.cases,
        output:
            figure_file(*figure.shown),
        log:
            f"<logs>/report/{figure.name}.log",
        params:
            **figure.params,
            # The text of `shell` is looked at when a job runs: the loop's variable would be its last.
            command=figure.subcommand,
            config=configuration,
            order=figure.order,
            cases=given("cases", "cases"),
            dpi=options.report.dpi,
            code=code("report", *figure.code),
        shell:
            "echodiff report {params.command} --config {params.config} --output {output} {params.cases} "
            "{input.files} > {log} 2>&1"


# The one table that is said on the screen too.
rule table2:
    input:
        metric_files("frechet", SOURCES),
    output:
        **table_files("table2_fid", PAPER, distance_name, "table2"),
    log:
        "<logs>/report/table2.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        order=metric_files("frechet", SOURCES),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report table2 --config {params.config} --output {params.stem} {input} " f"{SHOWN_TOO}"


# Of folders, not of files.
rule models:
    input:
        generators=expand("<results>/models/{model}/generator.pt", model=MODELS),
        histories=expand("<results>/models/{model}/history.parquet", model=MODELS),
    output:
        **table_files("models", COMPARED, "Models and what they cost", "models"),
    log:
        "<logs>/report/models.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        folders=lambda wildcards, input: [str(Path(path).parent) for path in input.generators],
        order=MODELS,
        title=TITLES[TRAINING],
        code=code("report", "diffusion", "train", "split"),
    shell:
        "echodiff report models --config {params.config} --output {params.stem} {params.folders} > {log} 2>&1"


# A picture a dataset.
rule kept:
    input:
        expand("<results>/data/{dataset}/images.h5", dataset=DATASETS),
        case_tables(),
    output:
        [
            in_report(f"<results>/figures/kept_{dataset}.png", DATA, f"Kept cases: {TITLES[dataset]}", "kept")
            for dataset in DATASETS
        ],
    log:
        "<logs>/report/kept.log",
    params:
        config=configuration,
        folder=lambda wildcards, output: Path(output[0]).parent,
        options=[options.report.kept_cases, options.report.dpi],
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report kept --config {params.config} --output {params.folder} {input} > {log} 2>&1"


rule report_files:
    input:
        [getattr(rules, entry.name).output for entry in TABLES + FIGURES if entry.wanted],
        rules.table2.output if SOURCES else [],
        rules.models.output,
        rules.kept.output if options.report.kept_cases else [],
