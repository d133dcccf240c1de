"""A reply that is arriving: the upstream's bytes into batches, and the connection given back or closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, cast

import httpx2

from chatbot.errors import Broken
from chatbot.model.cut import Cut
from chatbot.model.events import Batch
from chatbot.model.faults import safe
from chatbot.model.stream import ReplyDecoder

DRAIN_S = 0.5


class Reply:
    """A reply that is arriving. Iterate for batches; the last one has an end or a problem.

    `flagged`: moderation flags the question, as far as was told by now.
    """

    def __init__(self, manager: Any, decoder: ReplyDecoder, cut: Cut, flagged: bool = False) -> None:
        self._manager = manager
        self._cut = cut
        self._decoder = decoder
        self._is_complete = False
        self.flagged = flagged
        self._response: httpx2.Response = manager.__enter__().http_response
        self.request_id = safe(self._response.headers.get("x-request-id", ""))
        kind = self._response.headers.get("content-type", "")
        if "text/event-stream" not in kind.lower():
            self.close()
            raise Broken(cause="a 200 that is not an event stream")
        self._bytes = iter(cast(Iterable[bytes], self._response.stream))  # asked for uncompressed

    def __iter__(self) -> Iterator[Batch]:
        try:
            for data in self._bytes:
                batch = self._decoder.feed(data)
                self._is_complete = batch.end is not None
                self.flagged = self.flagged or batch.flagged
                yield batch
                if batch.end or batch.problem:
                    return
            yield self._decoder.finish()
        except httpx2.HTTPError as error:
            batch = self._decoder.finish()  # the reply may be complete: only what closes the stream is missing then
            if batch.end is None:
                is_silent = isinstance(error, httpx2.TimeoutException)
                why = "fell silent" if is_silent else f"was cut ({type(error).__name__})"
                batch.problem = Broken(cause=f"the stream {why}")
            yield batch

    def close(self) -> None:
        """Let go of the connection; after a good end it serves another call, once its last bytes are read."""
        if self._is_complete:
            self._cut.hurry(DRAIN_S)
            with suppress(httpx2.HTTPError):
                next(self._bytes, None)
        self._cut.release()
        self._manager.__exit__(None, None, None)
