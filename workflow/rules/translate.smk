# Label maps of a dataset -> synthetic images in the training dataset's style; a GPU a dataset.


rule translate:
    input:
        unpack(translate_input),
    output:
        "<results>/translations/{model}/{dataset}.h5",
    log:
        "<logs>/translate/{model}/{dataset}.log",
    benchmark:
        "<benchmarks>/translate/{model}/{dataset}.tsv"
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=240,
    params:
        config=configuration,
        subset=validation_only,
        options={key: value for key, value in section(options.translate).items() if key != "batch_size"},
        code=code(*DRAWING),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff translate --config {params.config} --generator {input.generator} --data {input.images} "
        "{params.subset} --output {output} --threads {threads} > {log} 2>&1"


rule translate_all:
    input:
        expand("<results>/translations/{model}/{dataset}.h5", model=MODELS, dataset=LABELLED),
