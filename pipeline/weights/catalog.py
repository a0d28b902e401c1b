"""Model catalogue: typed access to ``models.toml``."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from darkroom.contract.kinds import Kind

CATALOG_FILE = Path(__file__).with_name("models.toml")
COMMIT = re.compile(r"[0-9a-f]{40}")

Layout = Literal[
    "diffusers", "transformers", "ultralytics", "lora", "spandrel", "torch", "onnx", "ctranslate2", "program"
]

ROLES = {
    "detector": "finds things and people",
    "segmenter": "outlines them",
    "image_text": "tells rooms and styles",
    "depth": "estimates depth",
    "diffusion": "makes the picture",
    "control_depth": "holds it to the depth",
    "control_edges": "holds it to the edges",
    "few_step": "makes it in a few steps",
    "fill": "fills holes with what is around them",
    "inpaint_diffusion": "fills holes with what words say",
    "safety": "refuses what must not be shown",
    "picture_base": "reads the words of pictures to be",
    "picture_unet": "draws them",
    "picture_few_step": "draws them in four steps",
    "picture_decoder": "turns what was drawn into pixels",
    "face_analysis": "finds faces and tells whose they are",
    "face_swapper": "puts one face in another's place",
    "enlarger_photo": "enlarges photos",
    "enlarger_anime": "enlarges drawings",
    "animator": "has portraits speak",
    "transcriber": "writes down what is said",
}


def _known_role(role: str) -> str:
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; there are: {', '.join(ROLES)}")
    return role


def _relative_path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or path != "/".join(parts):
        raise ValueError(f"{path!r} is not a plain path within a folder")
    return path


class Original(BaseModel):
    """Original file of a model that must be downloaded by hand, and the data that identify it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(description="Name of the published file.")
    where: str
    tensors: int
    parameters: int = Field(description="Numbers in all tensors.")
    shapes: dict[str, tuple[int, ...]] = Field(description="Shapes of some tensors, by name.")
    others: str = Field("", description="Files beside it that are easily confused with it.")


class Program(BaseModel):
    """Program of a model's authors, for a model that no package runs: its GitHub repository, commit and script."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: str = Field(description="owner/name on GitHub.")
    commit: str = Field(pattern=rf"^{COMMIT.pattern}$")
    file: Annotated[str, AfterValidator(_relative_path)] = Field(description="Path of the script in the repository.")


class Model(BaseModel):
    """Catalogue entry of one model: its source, files and licence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", description="Its folder's name; unique.")
    role: Annotated[str, AfterValidator(_known_role)] = Field(description="Its role, one of ``ROLES``.")
    default: bool = Field(True, description="Chosen for its role unless the operator names another.")
    repository: str = Field(description="owner/name on the Hugging Face hub.")
    revision: str = Field(description="A commit; or a branch, which the first fetch resolves to a commit.")
    layout: Layout
    files: tuple[Annotated[str, AfterValidator(_relative_path)], ...] = Field(
        min_length=1, description="Paths in the repository, and in the model's folder."
    )
    sha256: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = Field(
        (), description="SHA-256 of each of ``files``, where public texts agree on it; enforced."
    )
    dtype: Literal["float16", "float32"]
    vram_mb: int = Field(gt=0, description="Approximate GPU memory of the weights; informative only.")
    licence: str
    commercial: bool = Field(description="True if the licence allows commercial use.")
    research_only: bool = Field(
        False,
        description="True if the licence allows non-commercial research only, which the operator must accept.",
    )
    note: str = Field("", description="Advice for its choice.")
    kinds: tuple[Kind, ...]
    original: Original | None = Field(None, description="Original file, for a model of one file that can be imported.")
    program: Program | None = Field(None, description="Program that runs it, if no package does.")

    @model_validator(mode="after")
    def _every_file_has_a_digest_or_none(self) -> Self:
        if self.sha256 and len(self.sha256) != len(self.files):
            raise ValueError(f"{len(self.sha256)} SHA-256 for {len(self.files)} files")
        return self

    @property
    def variant(self) -> Literal["fp16"] | None:
        """The ``variant`` argument for diffusers: ``fp16`` if the model's file names say so, else None."""
        return "fp16" if any(".fp16." in file for file in self.files) else None

    @property
    def digests(self) -> Mapping[str, str]:
        """The enforced SHA-256 of each file, by path; empty if none is known publicly."""
        return dict(zip(self.files, self.sha256, strict=False))

    @property
    def pinned(self) -> bool:
        """True if the revision is a commit."""
        return COMMIT.fullmatch(self.revision) is not None


@cache
def catalog() -> dict[str, Model]:
    """Return every model by id, in the order of the file. Raises ``ValidationError`` if the file is invalid."""
    tables = tomllib.loads(CATALOG_FILE.read_text("utf-8"))
    return {name: Model(id=name, **table) for name, table in tables.items()}


def choose_models(roles: tuple[str, ...], choices: Mapping[str, str]) -> tuple[Model, ...]:
    """Return a model for each role: the one that ``choices`` (role → id) names, else the default.

    Raises ``ValueError`` if a role has no default, or if a named model does not exist or has another role.
    """
    chosen = []
    for role in roles:
        named = choices.get(role)
        candidates = [m for m in catalog().values() if m.role == role and (m.id == named if named else m.default)]
        if len(candidates) != 1:
            known = ", ".join(model.id for model in catalog().values() if model.role == role) or "none"
            raise ValueError(f"no model {named or 'by default'!r} for the role {role!r}; there are: {known}")
        chosen.append(candidates[0])
    return tuple(chosen)


def default_models(kinds: Iterable[Kind] = Kind, *, research: bool = False) -> tuple[Model, ...]:
    """Return the default models that jobs of these kinds need.

    With ``research``, include models licensed for non-commercial research only.
    """
    wanted = set(kinds)
    needed = (model for model in catalog().values() if model.default and wanted & set(model.kinds))
    return tuple(model for model in needed if research or not model.research_only)


def catalog_markdown() -> str:
    """Render the catalogue as Markdown: the content of ``docs/models.md``."""
    lines = [
        "# Models",
        "",
        "Written by `pipeline.weights.catalog.catalog_markdown` from `pipeline/weights/models.toml`. "
        "A model marked * is the one that its role",
        "has by default. GPU memory is what the weights take, roughly. Licences are summed up here; read them.",
        "",
        "| model | what for | repository | revision | GPU memory | licence | may be sold with |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for model in catalog().values():
        revision = f"`{model.revision[:8]}`" if model.pinned else f"`{model.revision}`, resolved by the first fetch"
        if model.sha256:
            revision += ", held to its SHA-256"
        commercial_text = "yes" if model.commercial else "**no, research only**" if model.research_only else "**no**"
        lines.append(
            f"| `{model.id}`{'*' if model.default else ''} | {ROLES[model.role]} | `{model.repository}` | {revision} "
            f"| {model.vram_mb} MB | {model.licence} | {commercial_text} |"
        )
    lines += ["", "## What binds you", ""]
    lines += [f"- **{model.id}** ({model.licence}): {model.note}" for model in catalog().values() if model.note]
    lines += ["", "## What runs as a program of its own", ""]
    lines += [
        f"- **{model.id}**: `{program.file}` of https://github.com/{program.repository} at `{program.commit}`, in the "
        f"folder `{model.id}` of `DARKROOM_PROGRAMS`"
        for model in catalog().values()
        if (program := model.program) is not None
    ]
    lines += ["", "## Which job needs what", ""]
    for kind in Kind:
        needed = ", ".join(f"`{model.id}`" for model in default_models([kind]))
        lines.append(f"- `{kind}`: {needed or 'no model; the preview engine makes it'}")
    return "\n".join(lines)
