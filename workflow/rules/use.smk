# Segmenters that learn from real images, synthetic images or both -> do synthetic images help on real patients?


rule use_guides:
    input:
        generator="<results>/models/{model}/generator.pt",
        images=f"<results>/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
    output:
        f"<results>/use/translations/{{model}}/{TRAINING}.h5",
    log:
        "<logs>/use/translations/{model}.log",
    benchmark:
        "<benchmarks>/use/translations/{model}.tsv"
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=240,
    params:
        config=configuration,
        options={key: value for key, value in section(options.translate).items() if key != "batch_size"},
        code=code(*DRAWING),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff translate --config {params.config} --generator {input.generator} --data {input.images} "
        "--split {input.split} --subset train --output {output} --threads {threads} > {log} 2>&1"


# A job an arm and share, so that a cluster trains the segmenters side by side.
rule use:
    input:
        unpack(use_input),
    output:
        "<results>/use/{arm}/{judged}/{percent}.parquet",
    log:
        "<logs>/use/{arm}/{judged}/{percent}.log",
    benchmark:
        "<benchmarks>/use/{arm}/{judged}/{percent}.tsv"
    wildcard_constraints:
        arm="real|synthetic|both",
        judged="|".join([REAL, *MODELS]),
        percent="[0-9]+",
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=480,
    params:
        config=configuration,
        synthetic=given("synthetic", "synthetic"),
        steps=options.evaluate.use.steps,
        # The steps stand in the place of the epochs.
        options=section(options.evaluate.segmentation, without=["enabled", "epochs"]),
        code=code(
            "segment",
            "split",
            *(f"evaluate/{name}.py" for name in ("use", "fidelity_table", "overlap", "clinical")),
        ),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff evaluate use --config {params.config} --arm {wildcards.arm} --percent {wildcards.percent} "
        "--data {input.data} --split {input.split} {params.synthetic} --output {output} --threads {threads} "
        "> {log} 2>&1"
