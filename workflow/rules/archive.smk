"""The report of a complete run."""


# Snakemake's own report, of all tables and figures. A rule, not `onsuccess`, which is not called where nothing else is
# to be done: a report that was deleted, cut short or not finished is made again, and one of other files too.
# `--report-after-run` would make one after a dry run and after a single stage, and fail on the missing files.
rule archive:
    input:
        rules.report_files.input,
    output:
        "<results>/report.zip",
    log:
        "<logs>/report/archive.log",
    localrule: True
    params:
        config=configuration,
        snakefile=workflow.main_snakefile,
    shell:
        "snakemake report_files --snakefile {params.snakefile:q} --nolock "
        "--configfile {params.config} --report {output} > {log} 2>&1"


rule report_all:
    input:
        rules.archive.output,
