"""Every method of LangServe's Python client, on routes that are a model and on pipelines."""

import asyncio

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.tracers.log_stream import RunLogPatch
from support import check, plain, remote, total

WORDS = "one two three"


def same(text):
    return text


def variables(text):
    return {"text": text}


# The path, what makes an input of a text, and what the output says then.
TARGETS = [
    ("/echo", same, same),
    ("/chat", same, same),
    ("/chain", variables, same),
    ("/both", variables, lambda text: {"short": text, "long": text}),
]


def numbered(count):
    return [f"input {number}" for number in range(count)]


async def collected(stream):
    return [item async for item in stream]


@check
def invoke():
    """LS-96 invoke and ainvoke"""
    for path, make_input, output in TARGETS:
        assert plain(remote(path).invoke(make_input(WORDS))) == output(WORDS), path
        assert plain(asyncio.run(remote(path).ainvoke(make_input(WORDS)))) == output(WORDS), path


@check
def output_classes():
    """LS-96 messages are messages, inside a pipeline's output too"""
    assert type(remote("/chat").invoke(WORDS)) is AIMessage
    answer = remote("/both").invoke(variables(WORDS))
    assert type(answer["long"]) is AIMessage and type(answer["short"]) is str, answer
    assert list(answer) == ["short", "long"]
    chunks = [chunk["long"] for chunk in remote("/both").stream(variables(WORDS)) if "long" in chunk]
    assert chunks and all(type(chunk) is AIMessageChunk for chunk in chunks), chunks


@check
def batch():
    """LS-96 batch and abatch, in the order of the inputs"""
    texts = numbered(50)
    for path, make_input, output in TARGETS:
        inputs, expected = [make_input(text) for text in texts], [output(text) for text in texts]
        for options in [[], [{"max_concurrency": 3}], [[{"tags": ["t"]}] * len(inputs)]]:
            assert [plain(item) for item in remote(path).batch(inputs, *options)] == expected, (path, options)
            results = asyncio.run(remote(path).abatch(inputs, *options))
            assert [plain(item) for item in results] == expected, (path, options)


@check
def stream():
    """LS-96 stream and astream; the chunks add up to what invoke gives"""
    for path, make_input, output in TARGETS:
        chunks = list(remote(path).stream(make_input(WORDS)))
        assert len(chunks) >= 3, (path, chunks)
        assert plain(total(chunks)) == output(WORDS), path
        chunks = asyncio.run(collected(remote(path).astream(make_input(WORDS))))
        assert plain(total(chunks)) == output(WORDS), path
    assert list(remote("/echo").stream(WORDS)) == ["one", " two", " three"]


@check
def batch_as_completed():
    """LS-96 batch_as_completed and abatch_as_completed"""
    texts = numbered(10)
    for path, make_input, output in TARGETS:
        inputs, expected = [make_input(text) for text in texts], {index: output(text) for index, text in enumerate(texts)}
        done = remote(path).batch_as_completed(inputs)
        assert {index: plain(item) for index, item in done} == expected, path
        done = asyncio.run(collected(remote(path).abatch_as_completed(inputs)))
        assert {index: plain(item) for index, item in done} == expected, path


@check
def transform():
    """LS-96 transform and atransform"""

    async def pieces(inputs):
        for piece in inputs:
            yield piece

    for path, make_input, output in TARGETS:
        # The client adds the pieces of the input up and sends their sum.
        inputs = ["one ", "two three"] if make_input is same else [make_input(WORDS)]
        assert plain(total(remote(path).transform(iter(inputs)))) == output(WORDS), path
        chunks = asyncio.run(collected(remote(path).atransform(pieces(inputs))))
        assert plain(total(chunks)) == output(WORDS), path


@check
def stream_log():
    """LS-86, LS-96 astream_log: the changes, applied by the client itself, give the output of invoke"""
    for path, make_input, output in TARGETS:
        patches = asyncio.run(collected(remote(path).astream_log(make_input(WORDS))))
        assert all(type(patch) is RunLogPatch for patch in patches), path
        assert patches[0].ops[0]["op"] == "replace" and patches[0].ops[0]["path"] == "", patches[0]
        state = total(patches).state
        assert state["name"] == path and state["id"], state
        assert plain(state["final_output"]) == output(WORDS), (path, state)
        assert plain(total(state["streamed_output"])) == output(WORDS), (path, state)
        assert all(entry["end_time"] and entry["start_time"] for entry in state["logs"].values()), (path, state)
    assert list(state["logs"]) and {entry["type"] for entry in state["logs"].values()} == {"chain", "prompt", "llm", "parser"}
    # `diff` is ignored, as on LangServe: changes are what is sent.
    patches = asyncio.run(collected(remote("/chain").astream_log(variables(WORDS), diff=False)))
    assert list(total(patches).state["logs"]) == ["ChatPromptTemplate", "echo", "StrOutputParser"], patches


@check
def stream_events():
    """LS-89, LS-96 astream_events: the root's start with the input first, its end with the output last"""
    for path, make_input, output in TARGETS:
        events = asyncio.run(collected(remote(path).astream_events(make_input(WORDS), version="v2")))
        first, last = events[0], events[-1]
        assert first["event"].endswith("_start") and last["event"].endswith("_end"), (path, first, last)
        assert first["name"] == last["name"] == path and first["run_id"] == last["run_id"], (first, last)
        assert first["parent_ids"] == last["parent_ids"] == [], (first, last)
        assert plain(last["data"]["output"]) == output(WORDS), (path, last)
        if path != "/chat":
            assert first["data"] == {"input": make_input(WORDS)}, first
        chunks = [event["data"]["chunk"] for event in events if event["run_id"] == first["run_id"] and "chunk" in event["data"]]
        assert plain(total(chunks)) == output(WORDS), (path, chunks)


@check
def filtered_events():
    """LS-91 what is included and excluded is the server's work; the client only passes it on"""
    client = remote("/chain")

    def names(**filters):
        return {event["name"] for event in asyncio.run(collected(client.astream_events(variables(WORDS), version="v2", **filters)))}

    assert names() == {"/chain", "ChatPromptTemplate", "echo", "StrOutputParser"}
    assert names(include_types=["chat_model"]) == {"echo"}
    assert names(include_names=["StrOutputParser"], include_tags=["seq:step:1"]) == {"StrOutputParser", "ChatPromptTemplate"}
    assert names(exclude_types=["chain", "parser"]) == {"ChatPromptTemplate", "echo"}
    assert names(include_names=[]) == set()
