"""A request on its way to a target, and the answer on its way back: streamed, hop-by-hop headers left out."""

import logging
import time
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from yarl import URL

from local.balancers.passage import TRACE_HEADER, Passage
from local.balancers.targets import Target

log = logging.getLogger(__name__)

CONNECT_LIMIT = 10.0  # AWS's, in seconds
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def forwarding_session() -> aiohttp.ClientSession:
    """Keeps its connections to targets open for the next request. AWS does not verify targets' certificates."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0, ssl=False),
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
    )


async def forward(
    session: aiohttp.ClientSession,
    request: web.BaseRequest,
    target: Target,
    passage: Passage,
    *,
    scheme: str,
    port: int,
    idle_limit: float,
) -> web.StreamResponse:
    """Have `target` answer `request`, which came in by `scheme` on `port`.

    Raises `TimeoutError` and aiohttp's errors when no answer begins.
    """
    url = f"{target.scheme}://{target.address}:{target.port}{request.raw_path}"
    passage.sent_on = time.monotonic()
    async with session.request(
        request.method,
        URL(url, encoded=True),
        headers=_request_headers(request, passage, scheme, port),
        data=_body(request, passage),
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT, sock_read=idle_limit),
    ) as answer:
        passage.answered = time.monotonic()
        passage.target_status = answer.status
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        _copy_headers(answer, response)
        await response.prepare(request)
        await _stream(answer, response, request)
        return response


async def _stream(answer: aiohttp.ClientResponse, response: web.StreamResponse, request: web.BaseRequest) -> None:
    """Pass the body on. If either side breaks off, so does the other: half a body must not look whole."""
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, ConnectionResetError) as error:
        log.info("answer broken off: %s", error)
        if request.transport:
            request.transport.close()


def _request_headers(request: web.BaseRequest, passage: Passage, scheme: str, port: int) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in request.headers.items() if _is_end_to_end(name)]
    before = request.headers.get("X-Forwarded-For")
    source = request.remote or "unknown"
    return [
        *kept,
        ("X-Forwarded-For", f"{before}, {source}" if before else source),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Port", str(port)),
        (TRACE_HEADER, passage.trace),
    ]


def _is_end_to_end(name: str) -> bool:
    lower = name.lower()
    ours = lower.startswith("x-forwarded-") or lower in ("expect", TRACE_HEADER.lower())
    return lower not in HOP_BY_HOP and not ours


def _body(request: web.BaseRequest, passage: Passage) -> AsyncIterator[bytes] | None:
    return _counted(request, passage) if request.can_read_body else None


async def _counted(request: web.BaseRequest, passage: Passage) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_any():
        passage.received_bytes += len(chunk)
        yield chunk


def _copy_headers(answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
    for name, value in answer.headers.items():
        if name.lower() not in HOP_BY_HOP:
            response.headers.add(name, value)
