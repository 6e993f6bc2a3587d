# One model a named entry of the configuration, a process on each of the free GPUs, or on each core without them.


rule train:
    input:
        images=f"<results>/data/{TRAINING}/images.h5",
        split=f"<results>/split/{TRAINING}.parquet",
    output:
        generator="<results>/models/{model}/generator.pt",
        history="<results>/models/{model}/history.parquet",
        samples="<results>/models/{model}/samples.png",
    log:
        "<logs>/train/{model}.log",
    benchmark:
        "<benchmarks>/train/{model}.tsv"
    threads: 16
    resources:
        gpu=4,
        mem_mb=16000,
        runtime=2880,
    params:
        config=configuration,
        folder=lambda wildcards, output: Path(output.generator).parent,
        # Not an output: Snakemake deletes outputs before a rerun, and a killed training continues from here.
        checkpoints=lambda wildcards: f"{results_folder()}/checkpoints/{wildcards.model}",
        # Machines of a cluster: from a profile alone, as in profiles/slurm; no reason to train again.
        nodes=lambda wildcards, resources: resources.get("nodes", 1),
        parts=lambda wildcards: options.models[wildcards.model].batch_parts,
        learned_from=lambda wildcards: options.models[wildcards.model].learned_from(),
        # Of no weight, but generator.pt carries it; the training is not repeated, as its checkpoint is whole.
        sampler=lambda wildcards: section(options.models[wildcards.model].sampler),
        code=code("diffusion", "train", "split"),
    shell:
        "echodiff lease --gpus {resources.gpu} --launch torchrun --nodes {params.nodes} --cores {threads} "
        "--parts {params.parts} -- "
        "echodiff train --config {params.config} --model {wildcards.model} --data {input.images} "
        "--split {input.split} --output {params.folder} --checkpoints {params.checkpoints} "
        "--threads {threads} "
        f"{SHOWN_TOO}"


rule train_all:
    input:
        expand("<results>/models/{model}/generator.pt", model=MODELS),
