"""LangServe's own Python client against a running gateway.

usage: remote_runnable.py GATEWAY_URL MOCK_URL

The gateway must serve these routes; script/test-python writes such a configuration and starts everything:

    /echo          text, an upstream that says the prompt back
    /chat          messages, the same
    /tool          messages, an upstream that answers with a tool call
    /broken        text, an upstream that reports an error behind two tokens
    /cut           text, an upstream that breaks off behind two tokens
    /busy          text, an upstream that answers 429 with Retry-After: 7
    /fails         text, an upstream that answers 500
    /slow          text, an upstream that takes a while for every token
    /nowhere       text, an upstream that is not there

MOCK_URL is the `headgate mock` behind all of them: its /stats tell what it saw.

Prints one line for each check, then `N passed, N failed`; exits 1 when any failed.
"""

import asyncio
import json
import logging
import sys
import threading
import time
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langserve import RemoteRunnable

GATEWAY = ""
MOCK = ""
CHECKS = []

# Everything that Python, SSE or JSON could take for a line's, an event's or a string's end.
NASTY = 'a\nb\rc\x85d\u2028e\u2029f"g\\h\U0001f600i\x0bj\x0ck\x1cl\x1dm\x1en\r\n\r\nevent: end\n\ndata: x'


def check(function):
    """Registers a check; its docstring is its name."""
    CHECKS.append(function)
    return function


def remote(route, **options):
    return RemoteRunnable(GATEWAY + route, **options)


def stats():
    with urllib.request.urlopen(MOCK + "/stats", timeout=10) as answer:
        return json.load(answer)


def until(condition, what):
    """Polls: other processes have no way to tell us."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"never happened: {what}")


def raises(error, function):
    try:
        result = function()
    except error as failure:
        return failure
    raise AssertionError(f"no {error.__name__}, but {result!r}")


class Proxy:
    """Notes the headers of requests and refuses them: what was sent is what is asked."""

    def __enter__(self):
        self.seen = seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                seen.append((self.path, dict(self.headers)))
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *arguments):
        self.server.shutdown()
        self.server.server_close()


# --- the methods ---


@check
def invoke():
    """LS-96 invoke"""
    assert remote("/echo").invoke("one two") == "one two"


@check
def ainvoke():
    """LS-96 ainvoke"""
    assert asyncio.run(remote("/echo").ainvoke("one two")) == "one two"


@check
def batch():
    """LS-96 batch, in the order of the inputs"""
    inputs = [f"input {number}" for number in range(50)]
    assert remote("/echo").batch(inputs) == inputs
    assert remote("/echo").batch(inputs, {"max_concurrency": 3}) == inputs


@check
def abatch():
    """LS-96 abatch, in the order of the inputs"""
    inputs = [f"input {number}" for number in range(50)]
    assert asyncio.run(remote("/echo").abatch(inputs, [{"tags": ["t"]}] * 50)) == inputs


@check
def stream():
    """LS-96 stream"""
    assert list(remote("/echo").stream("one two three")) == ["one", " two", " three"]


@check
def astream():
    """LS-96 astream"""

    async def chunks():
        return [chunk async for chunk in remote("/echo").astream("one two three")]

    assert asyncio.run(chunks()) == ["one", " two", " three"]


@check
def batch_as_completed():
    """LS-96 batch_as_completed"""
    inputs = [f"input {number}" for number in range(10)]
    done = dict(remote("/echo").batch_as_completed(inputs))
    assert done == dict(enumerate(inputs)), done


@check
def abatch_as_completed():
    """LS-96 abatch_as_completed"""
    inputs = [f"input {number}" for number in range(10)]

    async def items():
        return [item async for item in remote("/echo").abatch_as_completed(inputs)]

    assert dict(asyncio.run(items())) == dict(enumerate(inputs))


@check
def transform():
    """LS-96 transform and atransform"""
    assert list(remote("/echo").transform(iter(["one ", "two"]))) == ["one", " two"]

    async def pieces():
        for piece in ["one ", "two"]:
            yield piece

    async def chunks():
        return [chunk async for chunk in remote("/echo").atransform(pieces())]

    assert asyncio.run(chunks()) == ["one", " two"]


# --- text ---


@check
def separators():
    """LS-36, LS-37 whatever could break a line arrives whole"""
    client = remote("/echo")
    assert "".join(client.stream(NASTY)) == NASTY
    assert client.invoke(NASTY) == NASTY
    assert client.batch([NASTY, NASTY]) == [NASTY, NASTY]
    assert "".join(chunk.content for chunk in remote("/chat").stream(NASTY)) == NASTY


@check
def every_character():
    """LS-19 every character of the first planes goes there and back"""
    client = remote("/echo")
    for start in range(0, 0x20000, 0x4000):
        text = "".join(chr(code) for code in range(start, start + 0x4000) if not 0xD800 <= code < 0xE000)
        if text:
            assert client.invoke(text) == text, hex(start)
            assert "".join(client.stream(text)) == text, hex(start)


@check
def inputs():
    """LS-60 every form of input is the same prompt"""
    client = remote("/echo")
    for form in [
        "hi",
        StringPromptValue(text="hi"),
        ChatPromptValue(messages=[HumanMessage("hi")]),
        [HumanMessage("hi")],
        [SystemMessage("s"), HumanMessage("hi")],
        [("human", "hi")],
        [{"role": "user", "content": "hi"}],
    ]:
        assert client.invoke(form) == "hi", form
        assert "".join(client.stream(form)) == "hi", form


# --- messages ---


@check
def messages():
    """LS-55, LS-57 answers are messages, with everything in them"""
    for message in [remote("/chat").invoke("one two"), remote("/chat").batch(["one two"])[0]]:
        assert type(message) is AIMessage, message
        assert message.content == "one two"
        assert message.response_metadata["finish_reason"] == "stop"
        assert message.response_metadata["model_name"]
        assert message.usage_metadata == {"input_tokens": 2, "output_tokens": 2, "total_tokens": 4}
        assert message.id


@check
def every_message():
    """LS-57, LS-58 every kind of message is taken, and all that a client sends with it"""
    conversation = [
        SystemMessage("s"),
        HumanMessage([{"type": "text", "text": "t"}], name="n", id="i"),
        AIMessage(
            "",
            tool_calls=[{"name": "w", "args": {"city": "Paris"}, "id": "c1"}],
            invalid_tool_calls=[{"name": "z", "args": "{bad", "id": "c2", "error": "e"}],
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        ),
        ToolMessage("sunny", tool_call_id="c1", artifact={"a": 1}, status="error"),
        FunctionMessage("f", name="fn"),
        ChatMessage("c", role="user"),
        AIMessageChunk("chunk"),
        HumanMessage("last"),
    ]
    assert remote("/chat").invoke(conversation).content == "last"
    # Inside a prompt value the client itself drops what only some messages have, such as tool_call_id.
    common = [message for message in conversation if message.type not in ("tool", "chat")]
    assert remote("/chat").invoke(ChatPromptValue(messages=common)).content == "last"


@check
def chunks():
    """LS-56, LS-64, LS-65, LS-68, LS-69 chunks add up to the answer, and say everything once"""
    pieces = list(remote("/chat").stream("one two three"))
    assert all(type(piece) is AIMessageChunk for piece in pieces), pieces
    # The client itself adds an empty last chunk only where the server sent none.
    assert [piece.chunk_position for piece in pieces].count("last") == 1
    assert pieces[-1].chunk_position == "last"
    assert len({piece.id for piece in pieces}) == 1
    total = pieces[0]
    for piece in pieces[1:]:
        total += piece
    answer = remote("/chat").invoke("one two three")
    assert total.content == answer.content == "one two three"
    assert total.response_metadata == answer.response_metadata
    assert total.usage_metadata == answer.usage_metadata


@check
def tool_calls():
    """LS-63, LS-66 a tool call, whole and in pieces"""
    answer = remote("/tool").invoke("weather?")
    assert type(answer) is AIMessage
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("w", {"city": "Paris"})], answer
    pieces = list(remote("/tool").stream("weather?"))
    total = pieces[0]
    for piece in pieces[1:]:
        total += piece
    assert total.tool_calls == answer.tool_calls, total
    assert not total.invalid_tool_calls
    assert total.response_metadata["finish_reason"] == "tool_calls"


# --- failures ---


@check
def error_in_the_middle():
    """LS-45 a failure in the middle raises HTTPStatusError with the status after what came before"""
    seen = []

    def read():
        for chunk in remote("/broken").stream("x"):
            seen.append(chunk)

    error = raises(httpx.HTTPStatusError, read)
    assert len(seen) == 2, seen
    assert error.response.status_code == 502, error.response
    assert "upstream" in error.response.text


@check
def error_at_once():
    """LS-46 a failure before the first chunk raises with its status"""
    for route, status in [("/busy", 429), ("/fails", 502), ("/nowhere", 502)]:
        error = raises(httpx.HTTPStatusError, lambda: list(remote(route).stream("x")))
        assert error.response.status_code == status, (route, error)


@check
def cut():
    """LS-104 a stream that is cut raises, also in the client's own words"""

    def read():
        for chunk in remote("/cut").stream("x"):
            seen.append(chunk)

    seen = []
    raises(httpx.HTTPError, read)
    assert len(seen) == 2, seen
    # The transport too: who does not know the events still learns that this is no whole answer.
    with httpx.stream("POST", GATEWAY + "/cut/stream", json={"input": "x"}) as answer:
        raises(httpx.RemoteProtocolError, answer.read)


@check
def refusals():
    """LS-99 422 shows its text to invoke; status and Retry-After are there"""
    error = raises(httpx.HTTPStatusError, lambda: remote("/echo").invoke(5))
    assert error.response.status_code == 422
    assert '"string_type"' in str(error), error
    error = raises(httpx.HTTPStatusError, lambda: list(remote("/echo").stream(5)))
    assert error.response.status_code == 422
    assert error.response.headers["content-type"] == "application/json"
    error = raises(httpx.HTTPStatusError, lambda: remote("/busy").invoke("x"))
    assert error.response.status_code == 429
    assert error.response.headers["retry-after"] == "7"
    error = raises(httpx.HTTPStatusError, lambda: remote("/fails").batch(["x", "y"]))
    assert error.response.status_code == 502
    slow = remote("/slow", headers={"X-Request-Timeout-Ms": "20"})
    error = raises(httpx.HTTPStatusError, lambda: slow.invoke("x"))
    assert error.response.status_code == 504


@check
def return_exceptions():
    """batch(return_exceptions=True) gives the failure to each"""
    results = remote("/fails").batch(["x", "y"], return_exceptions=True)
    assert len(results) == 2
    assert all(isinstance(result, httpx.HTTPStatusError) for result in results), results


# --- around the client ---


@check
def slashes():
    """LS-97 a URL with or without a slash at its end"""
    for url in [GATEWAY + "/echo", GATEWAY + "/echo/"]:
        client = RemoteRunnable(url)
        assert client.invoke("a") == "a"
        assert client.batch(["a", "b"]) == ["a", "b"]
        assert list(client.stream("a")) == ["a"]


@check
def headers():
    """LS-98 custom headers are on every request, and x-request-id comes back"""
    with Proxy() as proxy:
        client = RemoteRunnable(proxy.url, headers={"X-Custom": "yes"})

        async def asynchronous():
            for call in [client.ainvoke("a"), client.abatch(["a"])]:
                try:
                    await call
                except httpx.HTTPStatusError:
                    pass
            try:
                async for _ in client.astream("a"):
                    pass
            except httpx.HTTPStatusError:
                pass

        for call in [lambda: client.invoke("a"), lambda: client.batch(["a"]), lambda: list(client.stream("a"))]:
            raises(httpx.HTTPStatusError, call)
        asyncio.run(asynchronous())
        assert len(proxy.seen) == 6, proxy.seen
        assert all(fields["X-Custom"] == "yes" for _, fields in proxy.seen)
    answer = httpx.post(GATEWAY + "/echo/invoke", json={"input": "a"}, headers={"X-Request-Id": "mine"})
    assert answer.headers["x-request-id"] == "mine"


@check
def sequence():
    """LS-100 as a step of a local sequence"""
    chain = ChatPromptTemplate.from_messages([("human", "say {word}")]) | remote("/chat") | StrOutputParser()
    assert chain.invoke({"word": "a"}) == "say a"
    assert chain.batch([{"word": "a"}, {"word": "b"}]) == ["say a", "say b"]
    assert "".join(chain.stream({"word": "a"})) == "say a"


@check
def fallbacks():
    """LS-101 a local fallback takes over on 5xx, and in streams before the first chunk"""
    chain = remote("/fails").with_fallbacks([RunnableLambda(lambda text: "local " + text)])
    assert chain.invoke("a") == "local a"
    assert chain.batch(["a", "b"]) == ["local a", "local b"]
    assert "".join(chain.stream("a")) == "local a"


@check
def concurrency():
    """LS-102 fifty streams on one client all finish"""
    client = remote("/echo")

    async def one(number):
        return "".join([chunk async for chunk in client.astream(f"stream number {number}")])

    async def everything():
        return await asyncio.gather(*(one(number) for number in range(50)))

    assert asyncio.run(everything()) == [f"stream number {number}" for number in range(50)]


@check
def empty_batch():
    """LS-103 batch([]) sends nothing"""
    before = stats()["requests"]
    assert remote("/echo").batch([]) == []
    assert stats()["requests"] == before


@check
def leaving():
    """LS-50 a client that stops reading ends the upstream's call"""
    before = stats()["cancelled"]
    iterator = remote("/slow").stream("x")
    next(iterator)
    iterator.close()
    until(lambda: stats()["cancelled"] == before + 1, "the mock saw its client leave")


def main():
    global GATEWAY, MOCK
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    GATEWAY, MOCK = (url.rstrip("/") for url in sys.argv[1:])
    # The client logs events it does not understand instead of raising: a line of it is a failed check.
    complaints = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: complaints.append(record.getMessage())
    logging.getLogger("langserve").addHandler(handler)
    failed = 0
    for function in CHECKS:
        complaints.clear()
        try:
            function()
            assert not complaints, f"the client complains: {complaints}"
        except BaseException:
            failed += 1
            print(f"FAILED  {function.__doc__}", flush=True)
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok      {function.__doc__}", flush=True)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
