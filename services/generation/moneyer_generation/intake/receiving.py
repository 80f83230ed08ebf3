"""The bytes of an upload, spooled under seal as they come and refused as soon as they are too many."""

from collections.abc import AsyncIterator, Iterable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from moneyer_shared.errors import BadRequest, Invalid, TooLarge, UnsupportedMedia
from moneyer_shared.inflate import Inflate
from moneyer_shared.intake.header import Limits
from moneyer_shared.intake.zstd import expand
from moneyer_shared.spool import Spool


async def spool_body(chunks: AsyncIterator[bytes], encoding: str, limits: Limits) -> Spool:
    """The body under seal, decoded if it is gzip or zstd, refused as soon as it is too large.

    Raises:
        TooLarge: more bytes than the limit, as sent or once decompressed.
        UnsupportedMedia: an encoding other than gzip and zstd.
        Invalid: broken gzip or zstd.
        Unavailable: the disk is full.
    """
    if encoding not in {"", "identity", "gzip", "zstd"}:
        raise UnsupportedMedia(f"Content-Encoding {encoding} is not accepted; send gzip, zstd or none.")
    spool = Spool()
    try:
        await _fill(spool, chunks, limits, Inflate() if encoding == "gzip" else None)
        return await run_in_threadpool(_expanded, spool, limits) if encoding == "zstd" else spool
    except BaseException:
        spool.close()
        raise


def _expanded(sent: Spool, limits: Limits) -> Spool:
    """What a zstd body holds; the body itself is let go."""
    spool = Spool()
    try:
        _keep(spool, expand(sent.reader()), limits)
    except BaseException:
        spool.close()
        raise
    sent.close()
    return spool


async def _fill(spool: Spool, chunks: AsyncIterator[bytes], limits: Limits, inflate: Inflate | None) -> None:
    received = 0
    try:
        async for chunk in chunks:
            received += len(chunk)
            if received > limits.body_bytes:
                raise _too_long(limits)
            await run_in_threadpool(_keep, spool, inflate.pieces(chunk) if inflate else [chunk], limits)
        if inflate is not None:
            inflate.finish()
    except Invalid as error:
        raise Invalid(error.detail, code="table-unreadable") from error
    except ClientDisconnect:
        raise BadRequest("The upload was cut short.", code="body-cut-short") from None


def _keep(spool: Spool, pieces: Iterable[bytes], limits: Limits) -> None:
    for piece in pieces:
        if len(spool) + len(piece) > limits.table_bytes:
            raise _too_long(limits)
        spool.write(piece)


def _too_long(limits: Limits) -> TooLarge:
    return TooLarge(f"The upload may hold {limits.body_bytes} bytes, and {limits.table_bytes} once decompressed.")
