# Synthetic images -> pixel metrics and distances between distributions, a row a case or a set in Parquet.


EXTRACTORS = [f"evaluate/{name}.py" for name in ("extractors", "weights", "names", "torchvision_ops")]


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
        code=code(*EXTRACTORS),
    shell:
        "echodiff evaluate extractor --config {params.config} --output {output} " f"{SHOWN_TOO}"


# Loading the network takes as long as a hundred images: one job for all datasets, one a model.
rule features:
    input:
        extractor="<results>/features/extractor.json",
        images=expand("<results>/data/{dataset}/images.h5", dataset=LABELLED),
    output:
        expand("<results>/features/data/{dataset}/images.h5", dataset=LABELLED),
    log:
        "<logs>/features/data.log",
    benchmark:
        "<benchmarks>/features/data.tsv"
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=120,
    params:
        config=configuration,
        images=given("images", "images"),
        output=given_output,
        polar=options.evaluate.polar,
        code=code(*EXTRACTORS, "evaluate/features.py", "evaluate/polar.py"),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff evaluate features --config {params.config} --extractor {input.extractor} {params.images} "
        "{params.output} --threads {threads} > {log} 2>&1"


use rule features as features_of_translations with:
    input:
        extractor="<results>/features/extractor.json",
        images=expand("<results>/translations/{{model}}/{dataset}.h5", dataset=SOURCES),
    output:
        expand("<results>/features/translations/{{model}}/{dataset}.h5", dataset=SOURCES),
    log:
        "<logs>/features/translations/{model}.log",
    benchmark:
        "<benchmarks>/features/translations/{model}.tsv"


use rule features as features_of_samples with:
    input:
        extractor="<results>/features/extractor.json",
        images=[f"<results>/samples/{{model}}/{TRAINING}.h5"],
    output:
        f"<results>/features/samples/{{model}}/{TRAINING}.h5",
    log:
        "<logs>/features/samples/{model}.log",
    benchmark:
        "<benchmarks>/features/samples/{model}.tsv"


# As with the features: one job a model, for all datasets.
rule frechet:
    input:
        reference=f"<results>/features/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
        original=expand("<results>/features/data/{dataset}/images.h5", dataset=SOURCES),
        cases=expand("<results>/data/{dataset}/cases.parquet", dataset=SOURCES),
        synthetic=expand("<results>/features/translations/{{model}}/{dataset}.h5", dataset=SOURCES),
    output:
        expand("<results>/metrics/{{model}}/{dataset}.frechet.parquet", dataset=SOURCES),
    log:
        "<logs>/frechet/{model}.log",
    benchmark:
        "<benchmarks>/frechet/{model}.tsv"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=configuration,
        original=given("original-features", "original"),
        cases=given("cases", "cases"),
        synthetic=given("synthetic-features", "synthetic"),
        output=given_output,
        options=[options.evaluate.draws, options.evaluate.seed, options.evaluate.neighbours],
        code=code(
            "split",
            "evaluate/frechet_table.py",
            "evaluate/patients.py",
            *(
                f"evaluate/{name}.py"
                for name in ("frechet", "kernel", "manifold", "neighbours", "parts", "interval", "share", "names")
            ),
        ),
    shell:
        "echodiff evaluate frechet --config {params.config} --reference-features {input.reference} "
        "--split {input.split} {params.original} {params.cases} {params.synthetic} {params.output} > {log} 2>&1"


rule pixel:
    input:
        original=expand("<results>/data/{dataset}/images.h5", dataset=LABELLED),
        cases=expand("<results>/data/{dataset}/cases.parquet", dataset=LABELLED),
        synthetic=expand("<results>/translations/{{model}}/{dataset}.h5", dataset=LABELLED),
    output:
        expand("<results>/metrics/{{model}}/{dataset}.pixel.parquet", dataset=LABELLED),
    log:
        "<logs>/pixel/{model}.log",
    benchmark:
        "<benchmarks>/pixel/{model}.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        config=configuration,
        original=given("original", "original"),
        cases=given("cases", "cases"),
        synthetic=given("synthetic", "synthetic"),
        output=given_output,
        seed=options.evaluate.seed,
        code=code("evaluate/pixel_table.py", "evaluate/pixel.py", "evaluate/comparisons.py", *COUNTING),
    shell:
        "echodiff evaluate pixel --config {params.config} {params.original} {params.cases} {params.synthetic} "
        "{params.output} > {log} 2>&1"


rule memory:
    input:
        reference=f"<results>/data/{TRAINING}/images.h5",
        reference_features=f"<results>/features/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
        synthetic=expand("<results>/translations/{{model}}/{dataset}.h5", dataset=SOURCES),
        synthetic_features=expand("<results>/features/translations/{{model}}/{dataset}.h5", dataset=SOURCES),
    output:
        expand("<results>/metrics/{{model}}/{dataset}.memory.parquet", dataset=SOURCES),
    log:
        "<logs>/memory/{model}.log",
    benchmark:
        "<benchmarks>/memory/{model}.tsv"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=configuration,
        synthetic=given("synthetic", "synthetic"),
        synthetic_features=given("synthetic-features", "synthetic_features"),
        output=given_output,
        alarm_rate=options.evaluate.memory.alarm_rate,
        code=code(
            "evaluate/memory.py", "evaluate/memory_table.py", "evaluate/registration.py", "evaluate/sector.py", "split"
        ),
    shell:
        "echodiff evaluate memory --config {params.config} --reference {input.reference} "
        "--reference-features {input.reference_features} --split {input.split} {params.synthetic} "
        "{params.synthetic_features} {params.output} > {log} 2>&1"


# Loading the libraries takes as long as a dataset: one job for all real images, one a model.
rule physics:
    input:
        unpack(physics_input),
    output:
        "<results>/metrics/{judged}/physics.parquet",
    log:
        "<logs>/physics/{judged}.log",
    benchmark:
        "<benchmarks>/physics/{judged}.tsv"
    wildcard_constraints:
        judged="|".join([REAL, *MODELS]),
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        config=configuration,
        images=given("images", "images"),
        split=split_option,
        reference=given("reference", "reference"),
        options=section(options.evaluate.physics),
        code=code("evaluate/physics.py", "evaluate/polar.py", "evaluate/sector.py", "split"),
    shell:
        "echodiff evaluate physics --config {params.config} {params.images} {params.split} "
        "{params.reference} --output {output} > {log} 2>&1"


rule samples:
    input:
        generator="<results>/models/{model}/generator.pt",
        images=f"<results>/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
    output:
        f"<results>/samples/{{model}}/{TRAINING}.h5",
    log:
        "<logs>/samples/{model}.log",
    benchmark:
        "<benchmarks>/samples/{model}.tsv"
    threads: half_the_cores(4)
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=240,
    params:
        config=configuration,
        samples=options.evaluate.diversity.samples,
        guides=options.evaluate.diversity.guides or 0,
        options={key: value for key, value in section(options.translate).items() if key != "batch_size"},
        code=code(*DRAWING),
    shell:
        "echodiff lease --gpus {resources.gpu} -- "
        "echodiff translate --config {params.config} --generator {input.generator} --data {input.images} "
        "--split {input.split} --subset validation --samples {params.samples} --cases {params.guides} "
        "--output {output} --threads {threads} > {log} 2>&1"


rule diversity:
    input:
        synthetic=f"<results>/samples/{{model}}/{TRAINING}.h5",
        synthetic_features=f"<results>/features/samples/{{model}}/{TRAINING}.h5",
        reference=f"<results>/data/{TRAINING}/images.h5",
        reference_features=f"<results>/features/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
    output:
        f"<results>/metrics/{{model}}/{TRAINING}.diversity.parquet",
    log:
        "<logs>/diversity/{model}.log",
    benchmark:
        "<benchmarks>/diversity/{model}.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        config=configuration,
        seed=options.evaluate.seed,
        code=code(
            "evaluate/diversity.py",
            "evaluate/diversity_table.py",
            "evaluate/pixel.py",
            "split",
            "translate/sample_ids.py",
        ),
    shell:
        "echodiff evaluate diversity --config {params.config} --synthetic {input.synthetic} "
        "--synthetic-features {input.synthetic_features} --reference {input.reference} "
        "--reference-features {input.reference_features} --split {input.split} --output {output} > {log} 2>&1"


rule evaluate_all:
    input:
        metric_files("pixel", LABELLED, MODELS),
        metric_files("pixel", SOURCES, TRIVIAL),
        metric_files("frechet", SOURCES),
        metric_files("memory", SOURCES) if with_memory() else [],
        physics_files() if with_physics() else [],
        metric_files("diversity", [TRAINING], MODELS) if options.evaluate.diversity.enabled else [],
        fidelity_files() if options.evaluate.segmentation.enabled else [],
