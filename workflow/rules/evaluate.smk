# Synthetic images -> pixel metrics and distances between distributions, a row a case or a set in Parquet.


rule extractor:
    output:
        "<results>/features/extractor.json",
    log:
        "<logs>/evaluate/extractor.log",
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        config=configuration,
        choice=[str(getattr(options.evaluate, key)) for key in ("features", "inception_weights", "download")],
    shell:
        "echodiff evaluate extractor --config {params.config} --output {output} 2>&1 | tee {log}"


rule features:
    input:
        extractor="<results>/features/extractor.json",
        images="<results>/{images}.h5",
    output:
        "<results>/features/{images}.h5",
    log:
        "<logs>/features/{images}.log",
    benchmark:
        "<benchmarks>/features/{images}.tsv"
    wildcard_constraints:
        images="(data|translations)/.+",
    threads: 4
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=60,
    params:
        config=configuration,
        code=code("evaluate/features.py", "evaluate/extractors.py", "evaluate/weights.py"),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff evaluate features --config {params.config} --extractor {input.extractor} --images {input.images} "
        "--output {output} --threads {threads} > {log} 2>&1"


rule frechet:
    input:
        reference=f"<results>/features/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
        original="<results>/features/data/{dataset}/images.h5",
        synthetic="<results>/features/translations/{model}/{dataset}.h5",
    output:
        "<results>/metrics/{model}/{dataset}.frechet.parquet",
    log:
        "<logs>/frechet/{model}/{dataset}.log",
    benchmark:
        "<benchmarks>/frechet/{model}/{dataset}.tsv"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=configuration,
        options=section(options.evaluate),
        code=code("evaluate"),
    shell:
        "echodiff evaluate frechet --config {params.config} --reference-features {input.reference} "
        "--split {input.split} --original-features {input.original} --synthetic-features {input.synthetic} "
        "--output {output} > {log} 2>&1"


rule pixel:
    input:
        original="<results>/data/{dataset}/images.h5",
        cases="<results>/data/{dataset}/cases.parquet",
        synthetic="<results>/translations/{model}/{dataset}.h5",
    output:
        "<results>/metrics/{model}/{dataset}.pixel.parquet",
    log:
        "<logs>/pixel/{model}/{dataset}.log",
    benchmark:
        "<benchmarks>/pixel/{model}/{dataset}.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        config=configuration,
        options=section(options.evaluate),
        code=code("evaluate"),
    shell:
        "echodiff evaluate pixel --config {params.config} --original {input.original} --cases {input.cases} "
        "--synthetic {input.synthetic} --output {output} > {log} 2>&1"


rule evaluate_all:
    input:
        expand(
            "<results>/metrics/{model}/{dataset}.{metric}.parquet",
            model=MODELS,
            dataset=DATASETS,
            metric=["pixel", "frechet"],
        ),
