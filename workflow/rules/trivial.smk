# Translators without a model, through the same metrics as the models: one job a metric for all of them.


rule trivial:
    input:
        reference=f"<results>/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
        original=expand("<results>/data/{dataset}/images.h5", dataset=SOURCES),
    output:
        expand("<results>/translations/{translator}/{dataset}.h5", translator=TRIVIAL, dataset=SOURCES),
    log:
        "<logs>/trivial.log",
    benchmark:
        "<benchmarks>/trivial.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        config=configuration,
        folder=lambda wildcards, output: Path(output[0]).parents[1],
        original=given("original", "original"),
        seed=options.evaluate.seed,
        code=code("evaluate/trivial.py", "evaluate/sector.py", "evaluate/comparisons.py", "split"),
    shell:
        "echodiff evaluate trivial --config {params.config} --reference {input.reference} --split {input.split} "
        "{params.original} --output {params.folder} > {log} 2>&1"


use rule features as features_of_trivial with:
    input:
        extractor="<results>/features/extractor.json",
        images=rules.trivial.output,
    output:
        expand("<results>/features/translations/{translator}/{dataset}.h5", translator=TRIVIAL, dataset=SOURCES),
    log:
        "<logs>/features/trivial.log",
    benchmark:
        "<benchmarks>/features/trivial.tsv"


use rule frechet as frechet_of_trivial with:
    input:
        reference=f"<results>/features/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
        original=expand("<results>/features/data/{dataset}/images.h5", dataset=SOURCES) * len(TRIVIAL),
        cases=expand("<results>/data/{dataset}/cases.parquet", dataset=SOURCES) * len(TRIVIAL),
        synthetic=rules.features_of_trivial.output,
    output:
        metric_files("frechet", SOURCES, TRIVIAL),
    log:
        "<logs>/frechet/trivial.log",
    benchmark:
        "<benchmarks>/frechet/trivial.tsv"


use rule pixel as pixel_of_trivial with:
    input:
        original=expand("<results>/data/{dataset}/images.h5", dataset=SOURCES) * len(TRIVIAL),
        cases=expand("<results>/data/{dataset}/cases.parquet", dataset=SOURCES) * len(TRIVIAL),
        synthetic=rules.trivial.output,
    output:
        metric_files("pixel", SOURCES, TRIVIAL),
    log:
        "<logs>/pixel/trivial.log",
    benchmark:
        "<benchmarks>/pixel/trivial.tsv"


use rule memory as memory_of_trivial with:
    input:
        reference=f"<results>/data/{TRAINING}/images.h5",
        reference_features=f"<results>/features/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
        synthetic=rules.trivial.output,
        synthetic_features=rules.features_of_trivial.output,
    output:
        metric_files("memory", SOURCES, TRIVIAL),
    log:
        "<logs>/memory/trivial.log",
    benchmark:
        "<benchmarks>/memory/trivial.tsv"
