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
    /chain         a pipeline of prompt, model and parser, with the upstream of /echo
    /same          a pipeline that gives its input
    /both          a pipeline of two branches: `short` is /chain, `long` the model of /chat
    /chain-broken, /chain-cut, /chain-fails, /chain-slow
                   pipelines like /chain with the upstreams of /broken, /cut, /fails and /slow

MOCK_URL is the `headgate mock` behind all of them: its /stats tell what it saw.

Prints one line for each check, then `N passed, N failed`; exits 1 when any failed.
"""

import asyncio
import sys

import events
import httpx
import methods
import support
from langchain_core.documents import Document
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
from support import NASTY, Proxy, check, raises, remote, stats, total, until

# They register their checks themselves.
MODULES = [methods, events]


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
    whole = total(pieces)
    answer = remote("/chat").invoke("one two three")
    assert whole.content == answer.content == "one two three"
    assert whole.response_metadata == answer.response_metadata
    assert whole.usage_metadata == answer.usage_metadata


@check
def tool_calls():
    """LS-63, LS-66 a tool call, whole and in pieces"""
    answer = remote("/tool").invoke("weather?")
    assert type(answer) is AIMessage
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("w", {"city": "Paris"})], answer
    whole = total(remote("/tool").stream("weather?"))
    assert whole.tool_calls == answer.tool_calls, whole
    assert not whole.invalid_tool_calls
    assert whole.response_metadata["finish_reason"] == "tool_calls"


@check
def values():
    """LS-39, LS-70 values, nulls and documents go through a pipeline unchanged, as the classes that they are"""
    document = Document("text", metadata={"page": 3}, id="d")
    for value in [None, 5, 1.5, "x", True, [1, [None]], {"root": 5}, {"a": document}, document]:
        assert remote("/same").invoke(value) == value, value
        assert list(remote("/same").stream(value)) == [value], value
    assert remote("/same").batch([None, document]) == [None, document]


# --- failures ---


def read_into(seen, stream):
    for chunk in stream:
        seen.append(chunk)


@check
def error_in_the_middle():
    """LS-45 a failure in the middle raises HTTPStatusError with the status after what came before"""
    for path, value in [("/broken", "x"), ("/chain-broken", {"text": "x"})]:
        seen = []
        error = raises(httpx.HTTPStatusError, lambda: read_into(seen, remote(path).stream(value)))
        assert len(seen) == 2, (path, seen)
        assert error.response.status_code == 502, error.response
        assert "upstream" in error.response.text


@check
def error_at_once():
    """LS-46 a failure before the first chunk raises with its status"""
    for route, value, status in [
        ("/busy", "x", 429),
        ("/fails", "x", 502),
        ("/nowhere", "x", 502),
        ("/chain-fails", {"text": "x"}, 502),
    ]:
        error = raises(httpx.HTTPStatusError, lambda: list(remote(route).stream(value)))
        assert error.response.status_code == status, (route, error)


@check
def cut():
    """LS-104 a stream that is cut raises, also in the client's own words"""
    for path, value in [("/cut", "x"), ("/chain-cut", {"text": "x"})]:
        seen = []
        raises(httpx.HTTPError, lambda: read_into(seen, remote(path).stream(value)))
        assert len(seen) == 2, (path, seen)
        # The transport too: who does not know the events still learns that this is no whole answer.
        for endpoint in ["stream", "stream_events", "stream_log"]:
            with httpx.stream("POST", f"{support.GATEWAY}{path}/{endpoint}", json={"input": value}) as answer:
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
    for path, value in [("/slow", "x"), ("/chain-slow", {"text": "x"})]:
        slow = remote(path, headers={"X-Request-Timeout-Ms": "20"})
        error = raises(httpx.HTTPStatusError, lambda: slow.invoke(value))
        assert error.response.status_code == 504
    # Into a pipeline: what its prompt misses, before anything runs.
    before = stats()["requests"]
    for method in [lambda value: list(remote("/chain").stream(value)), remote("/chain").invoke]:
        error = raises(httpx.HTTPStatusError, lambda: method({"word": "x"}))
        assert error.response.status_code == 422, error
    assert '"loc":["text"]' in str(error), error
    error = raises(httpx.HTTPStatusError, lambda: remote("/chain").batch([{"text": "x"}, {"word": "x"}]))
    assert error.response.status_code == 422 and '"loc":["inputs",1,"text"]' in str(error), error
    assert stats()["requests"] == before


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
    for path, value in [("/echo", "a"), ("/chain", {"text": "a"})]:
        for url in [support.GATEWAY + path, support.GATEWAY + path + "/"]:
            client = RemoteRunnable(url)
            assert client.invoke(value) == "a"
            assert client.batch([value, value]) == ["a", "a"]
            assert "".join(client.stream(value)) == "a"


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
            for stream in [client.astream("a"), client.astream_log("a"), client.astream_events("a", version="v2")]:
                try:
                    async for _ in stream:
                        pass
                except httpx.HTTPStatusError:
                    pass

        for call in [lambda: client.invoke("a"), lambda: client.batch(["a"]), lambda: list(client.stream("a"))]:
            raises(httpx.HTTPStatusError, call)
        asyncio.run(asynchronous())
        called = ["invoke", "batch", "stream", "invoke", "batch", "stream", "stream_log", "stream_events"]
        assert [path.strip("/") for path, _ in proxy.seen] == called, proxy.seen
        assert all(fields["X-Custom"] == "yes" for _, fields in proxy.seen)
    answer = httpx.post(support.GATEWAY + "/echo/invoke", json={"input": "a"}, headers={"X-Request-Id": "mine"})
    assert answer.headers["x-request-id"] == "mine"


@check
def sequence():
    """LS-100 as a step of a local sequence"""
    chain = ChatPromptTemplate.from_messages([("human", "say {word}")]) | remote("/chat") | StrOutputParser()
    assert chain.invoke({"word": "a"}) == "say a"
    assert chain.batch([{"word": "a"}, {"word": "b"}]) == ["say a", "say b"]
    assert "".join(chain.stream({"word": "a"})) == "say a"
    # A pipeline behind a local step, and in front of one.
    chain = RunnableLambda(lambda word: {"text": "say " + word}) | remote("/chain") | RunnableLambda(str.upper)
    assert chain.invoke("a") == "SAY A"
    assert chain.batch(["a", "b"]) == ["SAY A", "SAY B"]
    assert "".join(chain.stream("a")) == "SAY A"
    chain = remote("/both") | RunnableLambda(lambda both: both["short"] + "/" + both["long"].content)
    assert chain.invoke({"text": "a"}) == "a/a"
    assert chain.batch([{"text": "a"}, {"text": "b"}]) == ["a/a", "b/b"]
    assert "".join(chain.stream({"text": "a"})) == "a/a"


@check
def fallbacks():
    """LS-101 a local fallback takes over on 5xx, and in streams before the first chunk"""
    chain = remote("/fails").with_fallbacks([RunnableLambda(lambda text: "local " + text)])
    assert chain.invoke("a") == "local a"
    assert chain.batch(["a", "b"]) == ["local a", "local b"]
    assert "".join(chain.stream("a")) == "local a"
    chain = remote("/chain-fails").with_fallbacks([RunnableLambda(lambda value: "local " + value["text"])])
    assert chain.invoke({"text": "a"}) == "local a"
    assert chain.batch([{"text": "a"}, {"text": "b"}]) == ["local a", "local b"]
    assert "".join(chain.stream({"text": "a"})) == "local a"


@check
def concurrency():
    """LS-102 fifty streams on one client all finish"""
    for path, make_input in [("/echo", str), ("/chain", lambda text: {"text": text})]:

        async def everything():
            client = remote(path)

            async def one(number):
                return "".join([chunk async for chunk in client.astream(make_input(f"stream number {number}"))])

            return await asyncio.gather(*(one(number) for number in range(50)))

        assert asyncio.run(everything()) == [f"stream number {number}" for number in range(50)], path


@check
def empty_batch():
    """LS-103 batch([]) sends nothing"""
    before = stats()["requests"]
    assert remote("/echo").batch([]) == remote("/chain").batch([]) == []
    assert asyncio.run(remote("/chain").abatch([])) == []
    assert stats()["requests"] == before


@check
def leaving():
    """LS-50 a client that stops reading ends the upstream's call"""
    for path, value in [("/slow", "x"), ("/chain-slow", {"text": "x"})]:
        before = stats()["cancelled"]
        iterator = remote(path).stream(value)
        next(iterator)
        iterator.close()
        until(lambda: stats()["cancelled"] == before + 1, "the mock saw its client leave")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    support.GATEWAY, support.MOCK = (url.rstrip("/") for url in sys.argv[1:])
    sys.exit(1 if support.run_checks() else 0)


main()
