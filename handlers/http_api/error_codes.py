"""Error code registry: HTTP status, title, retry rule and description of every error code.

Problem details and the reference page, ``docs/errors.md``, are derived from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from darkroom.contract.errors import ErrorCode


class Retry(StrEnum):
    """Retry rule of an error code."""

    NO = "no"
    CALLER = "the caller"
    SERVICE = "the service"


@dataclass(frozen=True, kw_only=True)
class ErrorCodeDescription:
    """Description of an error code. ``status`` is None if no route answers with the code."""

    status: HTTPStatus | None = None
    in_jobs: bool = False  # and in assets whose picture was refused
    title: str
    retry: Retry = Retry.NO
    meaning: str
    remedy: str


ERROR_CODES: Mapping[ErrorCode, ErrorCodeDescription] = {
    ErrorCode.INVALID_REQUEST: ErrorCodeDescription(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        in_jobs=True,
        title="The request is not valid",
        meaning="A field of the body, a parameter or a header is missing, unknown or out of range. A job fails with it "
        "if its voice cannot say the script.",
        remedy="Correct the fields that `errors` lists, then send the request again.",
    ),
    ErrorCode.UNAUTHORIZED: ErrorCodeDescription(
        status=HTTPStatus.UNAUTHORIZED,
        title="A valid access token is needed",
        meaning="The access token is missing, expired, or of another issuer or client.",
        remedy="Get a new access token from the issuer in `GET /config`, then send the request again.",
    ),
    ErrorCode.FORBIDDEN: ErrorCodeDescription(
        status=HTTPStatus.FORBIDDEN,
        title="Not for this caller",
        meaning="The route is for administrators, and the token is not one of an administrator.",
        remedy="Use a token with the scope `darkroom/admin`, or of a member of the group `admin`.",
    ),
    ErrorCode.NOT_FOUND: ErrorCodeDescription(
        status=HTTPStatus.NOT_FOUND,
        title="Not found",
        meaning="The route does not exist, or you have no job or asset with this id. It may have been deleted.",
        remedy="Check the address and the id, and that the token is of the same user.",
    ),
    ErrorCode.CONFLICT: ErrorCodeDescription(
        status=HTTPStatus.CONFLICT,
        title="Not possible as things stand",
        meaning="The state of the job or asset does not allow the operation, the library is full, or the job has too "
        "many subscriptions.",
        remedy="Read the job or asset again; `detail` names its state.",
    ),
    ErrorCode.IDEMPOTENCY_MISMATCH: ErrorCodeDescription(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        title="The idempotency key was used for another request",
        meaning="An earlier request with this `Idempotency-Key` had another body.",
        remedy="Use a new key for a new request, and the same key only to repeat a request.",
    ),
    ErrorCode.RATE_LIMITED: ErrorCodeDescription(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        title="Too many requests for now",
        retry=Retry.CALLER,
        meaning="The rate limit of this kind of job is reached for the current window.",
        remedy="Wait for the seconds in `Retry-After`, then repeat the request. `GET /limits` has all limits.",
    ),
    ErrorCode.BUDGET_EXCEEDED: ErrorCodeDescription(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        title="The day's budget is used up",
        retry=Retry.CALLER,
        meaning="The estimated cost of the job exceeds what is left of the owner's budget of the UTC day.",
        remedy="Wait for the seconds in `Retry-After`: the next day begins at midnight UTC. Or ask the operator.",
    ),
    ErrorCode.EMPTY_FILE: ErrorCodeDescription(
        in_jobs=True,
        title="The file is empty",
        meaning="The uploaded file has no bytes.",
        remedy="Upload another file in a new job.",
    ),
    ErrorCode.UNSUPPORTED_MEDIA: ErrorCodeDescription(
        status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        in_jobs=True,
        title="Not a media type that is accepted",
        meaning="The body is not JSON, or a file is of a type that is not accepted or not declared.",
        remedy="Send JSON with its content type. `GET /config` lists the accepted types of files.",
    ),
    ErrorCode.INVALID_IMAGE: ErrorCodeDescription(
        in_jobs=True,
        title="The picture cannot be read",
        meaning="The file is damaged, cut off, too small, or no picture of its type.",
        remedy="Save the picture again as JPEG or PNG, then upload it in a new job.",
    ),
    ErrorCode.INVALID_AUDIO: ErrorCodeDescription(
        in_jobs=True,
        title="The sound cannot be read",
        meaning="The file is damaged, or contains no audio stream that can be decoded.",
        remedy="Save the sound again as WAV or MP3, then upload it in a new job.",
    ),
    ErrorCode.TOO_LARGE: ErrorCodeDescription(
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        in_jobs=True,
        title="Too large",
        meaning="The body, a file or a picture's number of pixels exceeds its limit.",
        remedy="Reduce it. `GET /config` has the limits of uploads.",
    ),
    ErrorCode.CHECKSUM_MISMATCH: ErrorCodeDescription(
        in_jobs=True,
        title="The file is not the declared one",
        retry=Retry.CALLER,
        meaning="The size or SHA-256 of the uploaded file differs from the declared one, or two different files were "
        "uploaded for one role.",
        remedy="Compute size and SHA-256 of the file again, then upload it in a new job.",
    ),
    ErrorCode.UPLOAD_EXPIRED: ErrorCodeDescription(
        status=HTTPStatus.GONE,
        in_jobs=True,
        title="The pictures are gone",
        retry=Retry.CALLER,
        meaning="The files were not uploaded in time, are not kept any more, or were replaced by other files with an "
        "upload form that was still valid.",
        remedy="Create a new job and upload the files again.",
    ),
    ErrorCode.NO_FACE: ErrorCodeDescription(
        in_jobs=True,
        title="No face was found",
        meaning="A picture that must show a face shows none that can be detected.",
        remedy="Use a picture in which the face is large, sharp and seen from the front.",
    ),
    ErrorCode.SEVERAL_FACES: ErrorCodeDescription(
        in_jobs=True,
        title="Several faces were found",
        meaning="A picture that must show one face shows several.",
        remedy="Name one with `source_face` or `faces`, or crop the picture to one face.",
    ),
    ErrorCode.INVALID_MASK: ErrorCodeDescription(
        in_jobs=True,
        title="The mask cannot be used",
        meaning="The mask is not of the photo's size, not black and white, or selects nothing or everything.",
        remedy="Send a mask of the photo's size: white is filled, black stays, edges may be soft. "
        "Or a copy of the photo that is transparent where it is to be filled.",
    ),
    ErrorCode.TOO_LONG: ErrorCodeDescription(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        in_jobs=True,
        title="Too long",
        meaning="The script, the recording or the video would last longer than is allowed, or than the engine can make "
        "in the time that it has in this deployment.",
        remedy="Shorten it; `message` has the limit.",
    ),
    ErrorCode.REJECTED_CONTENT: ErrorCodeDescription(
        in_jobs=True,
        title="The result was rejected",
        meaning="The safety checker rejected every result, and the results were deleted.",
        remedy="Change the prompt, the seed or the picture.",
    ),
    ErrorCode.ENGINE_UNAVAILABLE: ErrorCodeDescription(
        # 422, not 503: retrying later does not help.
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        in_jobs=True,
        title="The engine cannot do this",
        retry=Retry.SERVICE,
        meaning="The engine does not support the kind or its params, or its weights or programs are missing. As an "
        "answer of the API it is final.",
        remedy="Request another engine, or set `allow_preview`. For missing weights, ask the operator.",
    ),
    ErrorCode.ENDPOINT_UNAVAILABLE: ErrorCodeDescription(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        in_jobs=True,
        title="A part of the service does not answer",
        retry=Retry.SERVICE,
        meaning="`GET /health` found a dependency that does not respond, or a job could not be sent to the endpoint, "
        "or lost its machine to a replacement.",
        remedy="Wait for the seconds in `Retry-After`, or submit the job again in a few minutes.",
    ),
    ErrorCode.CONTAINER_FAILED: ErrorCodeDescription(
        in_jobs=True,
        title="The container failed",
        retry=Retry.SERVICE,
        meaning="The container that ran the job stopped, or its instance was shut down.",
        remedy="Submit the job again. If it fails again, use a smaller picture, or tell the operator.",
    ),
    ErrorCode.OUT_OF_MEMORY: ErrorCodeDescription(
        in_jobs=True,
        title="Out of memory",
        retry=Retry.SERVICE,
        meaning="The memory of the GPU or of the container is too small for the job.",
        remedy="Use a smaller picture, or submit the job again.",
    ),
    ErrorCode.NOT_FINITE: ErrorCodeDescription(
        in_jobs=True,
        title="A network computed no usable numbers",
        meaning="An output of a network was infinite or not a number, in single precision, too. A safety check that "
        "fails so ends the job.",
        remedy="Change the seed or the picture. If every job fails, ask the operator to run `darkroom models verify`.",
    ),
    ErrorCode.TIMED_OUT: ErrorCodeDescription(
        in_jobs=True,
        title="Timed out",
        retry=Retry.SERVICE,
        meaning="The job did not start or did not end before its deadline.",
        remedy="Submit the job again, perhaps with a smaller picture.",
    ),
    ErrorCode.CANCELLED: ErrorCodeDescription(
        in_jobs=True,
        title="Cancelled",
        meaning="The job was cancelled by its owner.",
        remedy="Nothing. `POST /jobs/{job_id}/rerun` makes the same job again.",
    ),
    ErrorCode.INTERNAL: ErrorCodeDescription(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        in_jobs=True,
        title="Something went wrong here",
        retry=Retry.CALLER,
        meaning="An unexpected error of the service, which has been logged.",
        remedy="Repeat the request with the same `Idempotency-Key`, or submit the job again. If it fails again, tell "
        "the operator.",
    ),
    ErrorCode.UNKNOWN_TO_VERSION: ErrorCodeDescription(
        status=HTTPStatus.CONFLICT,
        in_jobs=True,
        title="A newer version is needed",
        retry=Retry.SERVICE,
        meaning="The job has a kind, a param or a value that the machine or the service does not know yet. It is being "
        "upgraded, or was set back to an earlier version. A job waits for a machine of a newer version first.",
        remedy="Try again when the service has been upgraded, or leave out what `message` names.",
    ),
    ErrorCode.CLIENT_TOO_OLD: ErrorCodeDescription(
        status=HTTPStatus.BAD_REQUEST,
        title="The client is too old",
        meaning="The client was made for a version of the API that this service does not support any more.",
        remedy="Upgrade the client: `pip install --upgrade darkroom-sdk`, or load the page again. `GET /config` has "
        "the oldest version that is supported.",
    ),
}
