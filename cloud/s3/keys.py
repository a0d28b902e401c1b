"""S3 keys of uploads, assets, avatars, results, intermediates and invocations."""

import re

_UPLOAD = re.compile(r"uploads/([0-9a-f]{32})/([a-z][a-z0-9_]{0,31})")
_AVATARS = "avatars/"
_ASSET = re.compile(r"assets/([0-9a-f]{32})")


def upload_key(job_id: str, role: str) -> str:
    """Return the key of a job's upload.

    >>> upload_key("0" * 32, "photo")
    'uploads/00000000000000000000000000000000/photo'
    """
    return f"uploads/{job_id}/{role}"


def parse_upload_key(key: str) -> tuple[str, str] | None:
    """Return job and role of an upload's key; None if ``upload_key`` does not produce it.

    >>> parse_upload_key("uploads/00000000000000000000000000000000/photo")
    ('00000000000000000000000000000000', 'photo')
    >>> parse_upload_key("uploads/../photo")
    """
    match = _UPLOAD.fullmatch(key)
    return (match[1], match[2]) if match else None


def asset_key(asset_id: str) -> str:
    """Return the key of an asset's picture.

    >>> asset_key("0" * 32)
    'assets/00000000000000000000000000000000'
    """
    return f"assets/{asset_id}"


def is_asset_key(key: str) -> bool:
    """Return True for any key under the prefix of assets, well-formed or not."""
    return key.startswith("assets/")


def parse_asset_key(key: str) -> str | None:
    """Return the asset of a key; None if ``asset_key`` does not produce it.

    >>> parse_asset_key("assets/00000000000000000000000000000000")
    '00000000000000000000000000000000'
    >>> parse_asset_key("assets/0/../1")
    """
    match = _ASSET.fullmatch(key)
    return match[1] if match else None


def avatar_key(name: str) -> str:
    """Return the pseudo-key of an avatar's portrait, which is a file of the code and not in the bucket.

    >>> avatar_key("amara")
    'avatars/amara'
    """
    return f"{_AVATARS}{name}"


def parse_avatar_key(key: str) -> str | None:
    """Return the avatar of a key; None if ``avatar_key`` does not produce it.

    >>> parse_avatar_key("avatars/amara")
    'amara'
    >>> parse_avatar_key("assets/amara")
    """
    return key.removeprefix(_AVATARS) if key.startswith(_AVATARS) else None


def results_prefix(job_id: str) -> str:
    """Return the prefix of a job's results.

    >>> results_prefix("0" * 32)
    'results/00000000000000000000000000000000/'
    """
    return f"results/{job_id}/"


def intermediates_prefix(job_id: str) -> str:
    """Return the prefix of a job's intermediates, which are kept until it ends.

    >>> intermediates_prefix("0" * 32)
    'intermediates/00000000000000000000000000000000/'
    """
    return f"intermediates/{job_id}/"


def intermediate_key(job_id: str, name: str) -> str:
    """Return the key of an intermediate of a job.

    >>> intermediate_key("0" * 32, "scene.mp4")
    'intermediates/00000000000000000000000000000000/scene.mp4'
    """
    return f"{intermediates_prefix(job_id)}{name}"


def invocation_key(job_id: str, attempt: int) -> str:
    """Return the key of the endpoint's input for one attempt.

    >>> invocation_key("0" * 32, 2)
    'invocations/00000000000000000000000000000000/2.json'
    """
    return f"invocations/{job_id}/{attempt}.json"


def outcome_key(inference_id: str) -> str:
    """Return the key of an outcome that is too large for its notice.

    >>> outcome_key("0" * 32 + "-2")
    'outcomes/00000000000000000000000000000000-2.out'
    """
    return f"outcomes/{inference_id}.out"


def parse_s3_uri(location: str) -> tuple[str, str]:
    """Return bucket and key of an ``s3://`` URI. Raises ``ValueError`` for anything else.

    >>> parse_s3_uri("s3://bucket/outcomes/1.out")
    ('bucket', 'outcomes/1.out')
    """
    scheme, _, rest = location.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise ValueError(f"not a location in S3: {location!r}")
    return bucket, key
