# Metrics and images -> the paper's tables and figures, collected by Snakemake's own report.


rule table1:
    input:
        expand("<results>/data/{dataset}/cases.parquet", dataset=DATASETS),
    output:
        **table_files("table1_datasets"),
    log:
        "<logs>/report/table1.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        scanners=SCANNERS,
        code=code("report"),
    shell:
        "echodiff report table1 --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule rejects:
    input:
        expand("<results>/data/{dataset}/cases.parquet", dataset=DATASETS),
    output:
        **table_files("rejects"),
    log:
        "<logs>/report/rejects.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        code=code("report", "ingest/reasons.py"),
    shell:
        "echodiff report rejects --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule privacy:
    input:
        expand("<results>/data/{dataset}/cases.parquet", dataset=DATASETS),
    output:
        **table_files("privacy"),
    log:
        "<logs>/report/privacy.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        names={name: dataset.case_ids for name, dataset in options.datasets.items()},
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report privacy --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule kept:
    input:
        expand("<results>/data/{dataset}/images.h5", dataset=DATASETS),
        expand("<results>/data/{dataset}/cases.parquet", dataset=DATASETS),
    output:
        [kept_sheet(dataset) for dataset in DATASETS],
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


rule table2:
    input:
        metric_files("frechet", SOURCES),
    output:
        **table_files("table2_fid"),
    log:
        "<logs>/report/table2.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report table2 --config {params.config} --output {params.stem} {input} " f"{SHOWN_TOO}"


rule table3:
    input:
        metrics=metric_files("pixel", LABELLED, MODELS) + metric_files("pixel", SOURCES, TRIVIAL),
        cases=case_tables(),
    output:
        **table_files("table3_pixel"),
    log:
        "<logs>/report/table3.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report table3 --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule figure2:
    input:
        images=figure_input([TRAINING], metrics=False),
        cases=case_tables([TRAINING]),
    output:
        figure_file("figure2_validation"),
    log:
        "<logs>/report/figure2.log",
    params:
        config=configuration,
        cases=given("cases", "cases"),
        options=[options.report.validation_cases, options.report.dpi],
        title=TITLES[TRAINING],
        code=code("report", "spread.py"),
    shell:
        "echodiff report figure2 --config {params.config} --output {output} {params.cases} {input.images} "
        "> {log} 2>&1"


rule figure3:
    input:
        images=figure_input(SOURCES, metrics=True),
        cases=case_tables(SOURCES),
    output:
        figure_file("figure3_best"),
    log:
        "<logs>/report/figure3.log",
    params:
        config=configuration,
        cases=given("cases", "cases"),
        dpi=options.report.dpi,
        titles=TITLES,
        code=code("report", "spread.py"),
    shell:
        "echodiff report figure3 --config {params.config} --output {output} {params.cases} {input.images} "
        "> {log} 2>&1"


rule figure4:
    input:
        images=figure_input(SOURCES, metrics=True),
        cases=case_tables(SOURCES),
    output:
        figure_file("figure4_worst_median_best"),
    log:
        "<logs>/report/figure4.log",
    params:
        config=configuration,
        cases=given("cases", "cases"),
        dpi=options.report.dpi,
        titles=TITLES,
        code=code("report", "spread.py"),
    shell:
        "echodiff report figure4 --config {params.config} --output {output} {params.cases} {input.images} "
        "> {log} 2>&1"


rule distances:
    input:
        metric_files("frechet", SOURCES),
    output:
        **table_files("distances"),
    log:
        "<logs>/report/distances.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        code=code("report", "evaluate/names.py"),
    shell:
        "echodiff report distances --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule distribution:
    input:
        metric_files("frechet", SOURCES),
    output:
        **table_files("distribution"),
    log:
        "<logs>/report/distribution.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report distribution --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule audit:
    input:
        metric_files("pixel", LABELLED, MODELS),
        metric_files("pixel", SOURCES, TRIVIAL),
    output:
        **table_files("audit"),
    log:
        "<logs>/report/audit.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report audit --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule memory_table:
    input:
        metrics=metric_files("memory", SOURCES),
        cases=case_tables(),
    output:
        **table_files("memory"),
    log:
        "<logs>/report/memory_table.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        limit=options.evaluate.memory.max_flagged_share,
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/share.py", "evaluate/interval.py"),
    shell:
        "echodiff report memory --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule physics_table:
    input:
        metrics=physics_files(),
        cases=case_tables(),
    output:
        **table_files("physics"),
    log:
        "<logs>/report/physics_table.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report physics --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule memory_gallery:
    input:
        files=[
            f"<results>/data/{TRAINING}/images.h5",
            *expand("<results>/translations/{model}/{dataset}.h5", model=options.headline_model, dataset=SOURCES),
            *metric_files("memory", SOURCES, [options.headline_model]),
        ],
        cases=case_tables(SOURCES),
    output:
        figure_file("memory_gallery"),
    log:
        "<logs>/report/memory_gallery.log",
    params:
        config=configuration,
        cases=given("cases", "cases"),
        dpi=options.report.dpi,
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/share.py", "evaluate/interval.py"),
    shell:
        "echodiff report memory-gallery --config {params.config} --output {output} {params.cases} {input.files} "
        "> {log} 2>&1"


rule depth_gain:
    input:
        physics_files(),
    output:
        figure_file("depth_gain"),
    log:
        "<logs>/report/depth_gain.log",
    params:
        config=configuration,
        dpi=options.report.dpi,
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report depth-gain --config {params.config} --output {output} {input} > {log} 2>&1"


rule diversity_table:
    input:
        metric_files("diversity", [TRAINING], MODELS),
    output:
        **table_files("diversity"),
    log:
        "<logs>/report/diversity_table.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        titles=TITLES,
        code=code("report", "evaluate/diversity.py", "evaluate/diversity_table.py", "spread.py"),
    shell:
        "echodiff report diversity --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule diversity_sheet:
    input:
        f"<results>/samples/{options.headline_model}/{TRAINING}.h5",
    output:
        figure_file("diversity_sheet", "diversity"),
    log:
        "<logs>/report/diversity_sheet.log",
    params:
        config=configuration,
        dpi=options.report.dpi,
        title=TITLES[TRAINING],
        code=code("report", "evaluate/diversity.py", "evaluate/diversity_table.py", "spread.py"),
    shell:
        "echodiff report diversity-sheet --config {params.config} --output {output} {input} > {log} 2>&1"


rule fidelity_table:
    input:
        metrics=fidelity_files(),
        cases=case_tables(),
    output:
        **table_files("fidelity"),
    log:
        "<logs>/report/fidelity_table.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        code=code("report"),
    shell:
        "echodiff report fidelity --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule bland_altman:
    input:
        metrics=fidelity_files(),
        cases=case_tables(),
    output:
        figure_file("bland_altman"),
    log:
        "<logs>/report/bland_altman.log",
    params:
        config=configuration,
        cases=given("cases", "cases"),
        dpi=options.report.dpi,
        model=options.headline_model,
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/paired.py"),
    shell:
        "echodiff report bland-altman --config {params.config} --output {output} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule subgroups:
    input:
        metrics=score_files(),
        cases=case_tables(),
    output:
        **table_files("subgroups"),
    log:
        "<logs>/report/subgroups.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        scanners=SCANNERS,
        code=code("report", *COUNTING, "evaluate/paired.py"),
    shell:
        "echodiff report subgroups --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule models:
    input:
        generators=expand("<results>/models/{model}/generator.pt", model=MODELS),
        histories=expand("<results>/models/{model}/history.parquet", model=MODELS),
    output:
        **table_files("models"),
    log:
        "<logs>/report/models.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        folders=lambda wildcards, input: [str(Path(path).parent) for path in input.generators],
        title=TITLES[TRAINING],
        code=code("report", "diffusion", "train", "split"),
    shell:
        "echodiff report models --config {params.config} --output {params.stem} {params.folders} > {log} 2>&1"


rule ablation:
    input:
        metrics=ablation_files(),
        cases=case_tables(),
    output:
        **table_files("ablation"),
    log:
        "<logs>/report/ablation.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        draws=[options.evaluate.draws, options.evaluate.seed],
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/paired.py", "evaluate/physics_distance.py", "evaluate/share.py"),
    shell:
        "echodiff report ablation --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule paired_tests:
    input:
        metrics=score_files(),
        cases=case_tables(),
    output:
        **table_files("paired_tests"),
    log:
        "<logs>/report/paired_tests.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        against=options.ablation_reference,
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/paired.py"),
    shell:
        "echodiff report paired-tests --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule extreme_table:
    input:
        metrics=expand("<results>/metrics/{model}/extreme.parquet", model=MODELS),
        cases=case_tables(),
    output:
        **table_files("extreme"),
    log:
        "<logs>/report/extreme_table.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        code=code("report", "evaluate/extreme.py"),
    shell:
        "echodiff report extreme --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule extreme_sheet:
    input:
        expand("<results>/extreme/{model}/{dataset}.h5", model=MODELS, dataset=[TRAINING]),
    output:
        figure_file("extreme_sheet", "extreme"),
    log:
        "<logs>/report/extreme_sheet.log",
    params:
        config=configuration,
        dpi=options.report.dpi,
        title=TITLES[TRAINING],
        code=code("report", "evaluate/extreme.py"),
    shell:
        "echodiff report extreme-sheet --config {params.config} --output {output} {input} > {log} 2>&1"


rule use_table:
    input:
        metrics=use_files(),
        cases=case_tables(),
    output:
        **table_files("use"),
    log:
        "<logs>/report/use_table.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/paired.py"),
    shell:
        "echodiff report use --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule use_tests:
    input:
        metrics=use_files(),
        cases=case_tables(),
    output:
        **table_files("use_tests"),
    log:
        "<logs>/report/use_tests.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        cases=given("cases", "cases"),
        titles=TITLES,
        code=code("report", *COUNTING, "evaluate/paired.py"),
    shell:
        "echodiff report use-tests --config {params.config} --output {params.stem} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule use_plot:
    input:
        metrics=use_files(),
        cases=case_tables(),
    output:
        figure_file("use_plot", "use"),
    log:
        "<logs>/report/use_plot.log",
    params:
        config=configuration,
        cases=given("cases", "cases"),
        dpi=options.report.dpi,
        title=TITLES[TRAINING],
        code=code("report", *COUNTING, "evaluate/paired.py"),
    shell:
        "echodiff report use-plot --config {params.config} --output {output} {params.cases} {input.metrics} "
        "> {log} 2>&1"


rule report_files:
    input:
        rules.table1.output,
        rules.rejects.output,
        rules.privacy.output,
        rules.kept.output if options.report.kept_cases else [],
        rules.table3.output,
        rules.figure2.output,
        rules.audit.output,
        rules.models.output,
        # What shows other datasets' translations: there are none with the training dataset alone.
        [rules.table2.output, rules.distribution.output, rules.distances.output] if SOURCES else [],
        [rules.figure3.output, rules.figure4.output] if SOURCES else [],
        rules.subgroups.output if options.report.subgroups else [],
        rules.ablation.output if options.report.ablation.enabled else [],
        rules.paired_tests.output if options.report.ablation.enabled and len(MODELS) > 1 else [],
        [rules.memory_table.output, rules.memory_gallery.output] if with_memory() else [],
        [rules.physics_table.output, rules.depth_gain.output] if with_physics() else [],
        [rules.diversity_table.output, rules.diversity_sheet.output] if options.evaluate.diversity.enabled else [],
        [rules.fidelity_table.output, rules.bland_altman.output] if options.evaluate.segmentation.enabled else [],
        [rules.extreme_table.output, rules.extreme_sheet.output] if with_extreme() else [],
        [rules.use_table.output, rules.use_tests.output, rules.use_plot.output] if options.evaluate.use.enabled else [],
