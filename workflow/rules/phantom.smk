# Datasets without data of one's own: phantoms, written as the files that scanners and archives give.


rule phantom:
    output:
        directory("<results>/phantom/{dataset}"),
    log:
        "<logs>/phantom/{dataset}.log",
    benchmark:
        "<benchmarks>/phantom/{dataset}.tsv"
    threads: 8
    resources:
        mem_mb=4000,  # eight processes
        runtime=30,
    params:
        config=configuration,
        options=lambda wildcards: section(options.datasets[wildcards.dataset].phantom),
        code=code("phantom"),
    shell:
        "echodiff phantom --config {params.config} --dataset {wildcards.dataset} --output {output} "
        "--processes {threads} > {log} 2>&1"


rule phantom_all:
    input:
        expand("<results>/phantom/{dataset}", dataset=PHANTOMS),
