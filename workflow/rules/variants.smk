# Labels with the left ventricle alone -> several label maps a case, and translations of them. Off without
# `variants: {samples: ...}` in the configuration.


rule variants:
    input:
        unpack(variants_input),
    output:
        "<results>/variants/{dataset}.h5",
    log:
        "<logs>/variants/{dataset}.log",
    benchmark:
        "<benchmarks>/variants/{dataset}.tsv"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        config=configuration,
        source=source_folder,
        state=source_state,
        options=section(options.variants),
        image=section(options.image),
        code=code("ingest"),
    shell:
        "echodiff variants --config {params.config} --dataset {wildcards.dataset} --source {params.source:q} "
        "--data {input.images} --shape-model {input.shape_model} --output {output} --processes {threads} > {log} 2>&1"


rule translate_variants:
    input:
        generator="<results>/models/{model}/generator.pt",
        images="<results>/variants/{dataset}.h5",
    output:
        "<results>/translations/{model}/variants/{dataset}.h5",
    log:
        "<logs>/translate/{model}/variants/{dataset}.log",
    benchmark:
        "<benchmarks>/translate/{model}/variants/{dataset}.tsv"
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=480,
    params:
        config=configuration,
        options={key: value for key, value in section(options.translate).items() if key != "batch_size"},
        code=code(*DRAWING),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff translate --config {params.config} --generator {input.generator} --data {input.images} "
        "--output {output} --threads {threads} > {log} 2>&1"


rule variants_all:
    input:
        expand("<results>/variants/{dataset}.h5", dataset=LV_ONLY),
        expand("<results>/translations/{model}/variants/{dataset}.h5", model=MODELS, dataset=LV_ONLY),
