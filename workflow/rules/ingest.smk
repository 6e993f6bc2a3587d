# Files of scanners -> end-diastolic frames of one size with label maps, and a row for every case found.


rule ingest:
    input:
        unpack(ingest_input),
    output:
        images="<results>/data/{dataset}/images.h5",
        cases="<results>/data/{dataset}/cases.parquet",
    log:
        "<logs>/ingest/{dataset}.log",
    benchmark:
        "<benchmarks>/ingest/{dataset}.tsv"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        config=configuration,
        source=source_folder,
        state=source_state,
        models=ingest_models,
        folder=lambda wildcards, output: Path(output.images).parent,
        # Neither title and scanner, which tables print, nor the longest time change what is read.
        options=lambda wildcards: section(
            options.datasets[wildcards.dataset], without=["title", "scanner", "case_seconds"]
        ),
        image=section(options.image),
        code=ingest_code,
    shell:
        "echodiff ingest --config {params.config} --dataset {wildcards.dataset} --source {params.source:q} "
        "--output {params.folder} {params.models} --processes {threads} > {log} 2>&1"


rule shape_model:
    input:
        images="<results>/data/{dataset}/images.h5",
        split="<results>/split/{dataset}.parquet",
    output:
        "<results>/shape_model/{dataset}.npz",
    log:
        "<logs>/shape_model/{dataset}.log",
    benchmark:
        "<benchmarks>/shape_model/{dataset}.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        config=configuration,
        code=code("ingest/completion", "split"),
    shell:
        "echodiff shape-model --config {params.config} --data {input.images} --split {input.split} "
        "--output {output} > {log} 2>&1"


rule ingest_all:
    input:
        expand("<results>/data/{dataset}/images.h5", dataset=DATASETS),
