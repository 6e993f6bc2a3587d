# Segmenters trained on real training patients -> labels of cases without, and do synthetic images show their guides?


rule segmenter:
    input:
        images=f"<results>/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
    output:
        "<results>/segmenter/{purpose}.pt",
    log:
        "<logs>/segmenter/{purpose}.log",
    benchmark:
        "<benchmarks>/segmenter/{purpose}.tsv"
    wildcard_constraints:
        purpose="evaluation|labels",
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=240,
    params:
        config=configuration,
        options=segmenter_options,
        code=code("segment", "split"),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff segmenter --config {params.config} --purpose {wildcards.purpose} --images {input.images} "
        "--split {input.split} --output {output} --threads {threads} > {log} 2>&1"


rule fidelity:
    input:
        unpack(fidelity_input),
    output:
        "<results>/metrics/{judged}/fidelity.parquet",
    log:
        "<logs>/fidelity/{judged}.log",
    benchmark:
        "<benchmarks>/fidelity/{judged}.tsv"
    wildcard_constraints:
        judged="|".join([REAL, *MODELS]),
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=60,
    params:
        config=configuration,
        images=given("images", "images"),
        subset=validation_only,
        code=code("segment", "split", "evaluate/fidelity_table.py", "evaluate/overlap.py", "evaluate/clinical.py"),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff evaluate fidelity --config {params.config} --segmenter {input.segmenter} {params.images} "
        "{params.subset} --output {output} --threads {threads} > {log} 2>&1"


rule extreme:
    input:
        generator="<results>/models/{model}/generator.pt",
        segmenter="<results>/segmenter/evaluation.pt",
        data=f"<results>/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
    output:
        table="<results>/metrics/{model}/extreme.parquet",
        images=f"<results>/extreme/{{model}}/{TRAINING}.h5",
    log:
        "<logs>/extreme/{model}.log",
    benchmark:
        "<benchmarks>/extreme/{model}.tsv"
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=60,
    params:
        config=configuration,
        patients=options.evaluate.extreme.patients,
        seed=options.translate.seed,
        code=code(
            *DRAWING,
            "segment",
            *(f"evaluate/{name}.py" for name in ("extreme", "extreme_table", "overlap", "physics", "polar", "sector")),
        ),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff evaluate extreme --config {params.config} --generator {input.generator} "
        "--segmenter {input.segmenter} --data {input.data} --split {input.split} --images {output.images} "
        "--output {output.table} --threads {threads} > {log} 2>&1"
