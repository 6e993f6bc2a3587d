# Metrics and images -> the paper's tables and figures, collected by Snakemake's own report.


def table_files(name):
    """A table in its three forms; the HTML is shown in the report."""
    return {
        "csv": f"<results>/tables/{name}.csv",
        "tex": f"<results>/tables/{name}.tex",
        "html": report(f"<results>/tables/{name}.html", caption=f"../report/{CAPTIONS[name]}.rst", category="Tables"),
    }


CAPTIONS = {
    "table1_datasets": "table1",
    "table2_fid": "table2",
    "table3_pixel": "table3",
    "rejects": "rejects",
}


def figure_input(names, metrics):
    """The datasets, their translations by the model that the figures show, and their pixel metrics."""
    model = options.headline_model
    files = expand("<results>/data/{dataset}/images.h5", dataset=names)
    files += expand("<results>/translations/{model}/{dataset}.h5", model=model, dataset=names)
    if metrics:
        files += expand("<results>/metrics/{model}/{dataset}.pixel.parquet", model=model, dataset=names)
    return files


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
        titles={name: [dataset.title, dataset.scanner] for name, dataset in options.datasets.items()},
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
        code=code("report"),
    shell:
        "echodiff report rejects --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule table2:
    input:
        expand("<results>/metrics/{model}/{dataset}.frechet.parquet", model=MODELS, dataset=SOURCES),
    output:
        **table_files("table2_fid"),
    log:
        "<logs>/report/table2.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        code=code("report"),
    shell:
        "echodiff report table2 --config {params.config} --output {params.stem} {input} 2>&1 | tee {log}"


rule table3:
    input:
        expand("<results>/metrics/{model}/{dataset}.pixel.parquet", model=MODELS, dataset=DATASETS),
    output:
        **table_files("table3_pixel"),
    log:
        "<logs>/report/table3.log",
    params:
        config=configuration,
        stem=lambda wildcards, output: Path(output.csv).with_suffix(""),
        code=code("report"),
    shell:
        "echodiff report table3 --config {params.config} --output {params.stem} {input} > {log} 2>&1"


rule figure2:
    input:
        figure_input([TRAINING], metrics=False),
    output:
        report("<results>/figures/figure2_validation.png", caption="../report/figure2.rst", category="Figures"),
    log:
        "<logs>/report/figure2.log",
    params:
        config=configuration,
        options=section(options.report),
        code=code("report"),
    shell:
        "echodiff report figure2 --config {params.config} --output {output} {input} > {log} 2>&1"


rule figure3:
    input:
        figure_input(SOURCES, metrics=True),
    output:
        report("<results>/figures/figure3_best.png", caption="../report/figure3.rst", category="Figures"),
    log:
        "<logs>/report/figure3.log",
    params:
        config=configuration,
        options=section(options.report),
        code=code("report"),
    shell:
        "echodiff report figure3 --config {params.config} --output {output} {input} > {log} 2>&1"


rule figure4:
    input:
        figure_input(SOURCES, metrics=True),
    output:
        report("<results>/figures/figure4_worst_median_best.png", caption="../report/figure4.rst", category="Figures"),
    log:
        "<logs>/report/figure4.log",
    params:
        config=configuration,
        options=section(options.report),
        code=code("report"),
    shell:
        "echodiff report figure4 --config {params.config} --output {output} {input} > {log} 2>&1"


rule report_all:
    input:
        rules.table1.output,
        rules.rejects.output,
        rules.table2.output,
        rules.table3.output,
        rules.figure2.output,
        rules.figure3.output,
        rules.figure4.output,
