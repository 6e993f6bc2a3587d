# Patients -> training and validation.


rule split:
    input:
        "<results>/data/{dataset}/cases.parquet",
    output:
        "<results>/split/{dataset}.parquet",
    log:
        "<logs>/split/{dataset}.log",
    benchmark:
        "<benchmarks>/split/{dataset}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=configuration,
        options=section(options.split),
        code=code("split"),
    shell:
        "echodiff split --config {params.config} --cases {input} --output {output} > {log} 2>&1"


rule split_all:
    input:
        f"<results>/split/{TRAINING}.parquet",
