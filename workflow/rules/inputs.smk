"""What the rules of the stages take: files and options that depend on the dataset or the model."""

from echodiff.ingest.folder.source_files import state_of_files

SHAPE_MODEL = f"<results>/shape_model/{TRAINING}.npz"


def source_folder(wildcards):
    """The folder that a dataset is read from."""
    dataset = options.datasets[wildcards.dataset]
    return f"{results_folder()}/phantom/{wildcards.dataset}" if dataset.phantom else str(dataset.folder)


def source_state(wildcards):
    """Names, sizes and times of a user's files in one hash, for `params`: a file more or less reruns ingest."""
    if wildcards.dataset in PHANTOMS:
        return "phantom"
    return state_of_files(options.datasets[wildcards.dataset], Path(source_folder(wildcards)))


def ingest_input(wildcards):
    """A phantom's files; the shape model, where it completes label maps; the segmenter of labels."""
    files = {}
    if wildcards.dataset in PHANTOMS:
        files["phantom"] = f"<results>/phantom/{wildcards.dataset}"
    if options.datasets[wildcards.dataset].completion == "shape":
        files["shape_model"] = SHAPE_MODEL
    if wildcards.dataset in PREDICTED:
        files["segmenter"] = "<results>/segmenter/labels.pt"
    return files


def ingest_models(wildcards, input):
    """Options of the command for what completes or predicts label maps."""
    given = {"shape_model": "--shape-model", "segmenter": "--segmenter"}
    return " ".join(f"{option} {input[key]}" for key, option in given.items() if key in input.keys())


def ingest_code(wildcards):
    return code("ingest", "segment") if wildcards.dataset in PREDICTED else code("ingest")


# What draws images with a trained model.
DRAWING = [
    "diffusion",
    "translate",
    "train/data.py",
    "train/drawing.py",
    "train/generator_file.py",
    "split",
    "spread.py",
]


def segmenter_options(wildcards):
    """The section of the configuration that says how a segmenter learns; whether it does is not for its weights."""
    sections = {"labels": options.segmenter, "evaluation": options.evaluate.segmentation}
    return section(sections[wildcards.purpose], without=["enabled"])


# Datasets of which several label maps a case are drawn.
LV_ONLY = options.completed_datasets if options.variants.samples else []


def variants_input(wildcards):
    """What the dataset is read from, the cases that ingest kept, and the shape model."""
    images = f"<results>/data/{wildcards.dataset}/images.h5"
    return ingest_input(wildcards) | {"images": images, "shape_model": SHAPE_MODEL}


def translate_input(wildcards):
    """The model and the guides; of the training dataset only validation patients are drawn."""
    files = {
        "generator": f"<results>/models/{wildcards.model}/generator.pt",
        "images": f"<results>/data/{wildcards.dataset}/images.h5",
    }
    if wildcards.dataset == TRAINING:
        files["split"] = f"<results>/split/{TRAINING}.parquet"
    return files


def given(option, name):
    """For `params`: the option once for each file of the named input."""

    def words(wildcards, input):
        return [f"--{option} {path}" for path in input.get(name, [])]

    return words


def given_output(wildcards, output):
    return [f"--output {path}" for path in output]


def validation_only(wildcards, input):
    return f"--split {input.split} --subset validation" if "split" in input.keys() else ""


def metric_files(metric, datasets, methods=None):
    """The tables of a metric, of all models and translators without a model."""
    methods = MODELS + TRIVIAL if methods is None else methods
    return expand(
        "<results>/metrics/{method}/{dataset}.{metric}.parquet", method=methods, dataset=datasets, metric=metric
    )


def physics_input(wildcards):
    """A model's translations, or the real images of all datasets; the split says which are training images."""
    split = f"<results>/split/{TRAINING}.parquet"
    if wildcards.judged == REAL:
        images = expand("<results>/data/{dataset}/images.h5", dataset=LABELLED)
        return {"images": images, "split": split}
    images = expand("<results>/translations/{model}/{dataset}.h5", model=wildcards.judged, dataset=SOURCES)
    return {"images": images, "split": split, "reference": [f"<results>/data/{TRAINING}/images.h5"]}


def split_option(wildcards, input):
    return f"--split {input.split}" if "split" in input.keys() else ""


def with_memory():
    """Translations of other datasets are compared with the training images."""
    return options.evaluate.memory.enabled and bool(SOURCES)


def with_physics():
    """Images of other datasets are measured before and after their translation."""
    return options.evaluate.physics.enabled and bool(SOURCES)


def physics_files():
    """Measures of the training images, the source images and the models' translations of them."""
    return expand("<results>/metrics/{judged}/physics.parquet", judged=[REAL, *MODELS])


def fidelity_input(wildcards):
    """The segmenter and a model's translations; or real images of patients that the segmenter has not seen."""
    files = {"segmenter": "<results>/segmenter/evaluation.pt"}
    if wildcards.judged == REAL:
        return files | {
            "images": [f"<results>/data/{TRAINING}/images.h5"],
            "split": f"<results>/split/{TRAINING}.parquet",
        }
    translations = expand("<results>/translations/{model}/{dataset}.h5", model=wildcards.judged, dataset=LABELLED)
    return files | {"images": translations}


def fidelity_files():
    """Segmented against true label maps: of held-out real images, the ceiling, and of all translations by models."""
    return expand("<results>/metrics/{judged}/fidelity.parquet", judged=[REAL, *MODELS])


def with_extreme():
    """Guides of extreme shape are judged by the segmenter, so that they need it."""
    return options.evaluate.extreme.enabled and options.evaluate.segmentation.enabled


def use_input(wildcards):
    """The training dataset, and the translations by a model where the arm learns from synthetic images."""
    files = {"data": f"<results>/data/{TRAINING}/images.h5", "split": f"<results>/split/{TRAINING}.parquet"}
    if wildcards.arm == "real":
        return files
    synthetic = expand("<results>/translations/{model}/{dataset}.h5", model=wildcards.judged, dataset=SOURCES)
    if options.evaluate.use.training_guides:
        synthetic.append(f"<results>/use/translations/{wildcards.judged}/{TRAINING}.h5")
    return files | {"synthetic": synthetic}


def use_files():
    """All arms: real and both at every share, synthetic once with the label maps of all training patients."""
    pattern, percent = "<results>/use/{arm}/{judged}/{percent}.parquet", options.evaluate.use.percent
    files = expand(pattern, arm="real", judged=REAL, percent=sorted({*percent, 100}))
    files += expand(pattern, arm="synthetic", judged=MODELS, percent=100)
    return files + expand(pattern, arm="both", judged=MODELS, percent=percent)


def score_files():
    """Scores of every synthetic case of the models: pixel metrics, and mask fidelity where it is on."""
    fidelity = expand("<results>/metrics/{model}/fidelity.parquet", model=MODELS)
    return metric_files("pixel", LABELLED, MODELS) + (fidelity if options.evaluate.segmentation.enabled else [])


def ablation_files():
    """All metrics of all models of the configuration that are switched on."""
    files = metric_files("pixel", LABELLED, MODELS) + metric_files("frechet", SOURCES, MODELS)
    files += fidelity_files() if options.evaluate.segmentation.enabled else []
    files += metric_files("memory", SOURCES, MODELS) if with_memory() else []
    files += metric_files("diversity", [TRAINING], MODELS) if options.evaluate.diversity.enabled else []
    return files + (physics_files() if with_physics() else [])


def case_tables(datasets=DATASETS):
    """The case tables of the datasets, which say where their label maps come from."""
    return expand("<results>/data/{dataset}/cases.parquet", dataset=datasets)


def figure_input(names, metrics):
    """The datasets, their translations by the model that the figures show, and their pixel metrics."""
    model = options.headline_model
    files = expand("<results>/data/{dataset}/images.h5", dataset=names)
    files += expand("<results>/translations/{model}/{dataset}.h5", model=model, dataset=names)
    return files + (metric_files("pixel", names, [model]) if metrics else [])
