"""`/stream_events` and `/stream_log` of a chain beside those of LangServe itself, which serves the same chain in this process."""

import asyncio
import functools
import json
import socket
import threading

import uvicorn
from fastapi import FastAPI
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langserve import RemoteRunnable, add_routes
from support import check, plain, remote

QUESTION = {"text": "one two three"}


class Echo(BaseChatModel):
    """Says the last message back word by word, as the gateway's mock does."""

    name: str = "echo"

    @property
    def _llm_type(self):
        return "echo"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].content))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for place, word in enumerate(messages[-1].content.split(" ")):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word if place == 0 else " " + word))
        yield ChatGenerationChunk(message=AIMessageChunk(content="", chunk_position="last"))


@functools.cache
def reference():
    """A client of LangServe with the chain of the gateway's /chain, which is served until the process ends."""
    app = FastAPI()
    prompt = ChatPromptTemplate.from_messages([("system", "You are terse."), ("human", "{text}")])
    add_routes(app, prompt | Echo() | StrOutputParser(), path="/chain")
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return RemoteRunnable("http://127.0.0.1:%d/chain" % listener.getsockname()[1])


def numbered_runs(events):
    """The ids of runs as the numbers of their first appearance."""
    numbers = {}
    for event in events:
        for run in event["parent_ids"] + [event["run_id"]]:
            numbers.setdefault(run, len(numbers))
    return numbers


def described(value):
    """A value with its class and text, without what differs from one server to the other: ids, counts, and the model's details."""
    if isinstance(value, dict):
        return {key: described(member) for key, member in value.items()}
    if isinstance(value, list):
        return [described(member) for member in value]
    if hasattr(value, "messages"):
        # LangServe leaves the type out here, so that its own client has a dictionary; ours says it (LS-72).
        return {"messages": described(value.messages)}
    if hasattr(value, "content"):
        return [type(value).__name__, value.content]
    return value


def outline(events):
    numbers = numbered_runs(events)
    lines = []
    for event in events:
        # Which chunk of the model ends it, and with what empty chunks around, is the model's.
        if plain(event["data"].get("chunk")) == "":
            continue
        line = {key: event[key] for key in ("event", "name", "tags")}
        line["fields"] = sorted(event)
        line["run"] = numbers[event["run_id"]]
        line["parents"] = [numbers[run] for run in event["parent_ids"]]
        line["data"] = described(event["data"])
        line["metadata"] = type(event["metadata"]).__name__
        lines.append(line)
    return lines


async def events_of(client, **filters):
    return [event async for event in client.astream_events(QUESTION, version="v2", **filters)]


@check
def same_events():
    """LS-89, LS-90, LS-95 events come in LangServe's order with its fields"""
    theirs = outline(asyncio.run(events_of(reference())))
    ours = outline(asyncio.run(events_of(remote("/chain"))))
    assert len(ours) >= 10
    for number, (our, their) in enumerate(zip(ours, theirs)):
        assert our == their, f"event {number}\nours:   {json.dumps(our)}\ntheirs: {json.dumps(their)}"
    assert len(ours) == len(theirs), (len(ours), len(theirs))


@check
def same_filters():
    """LS-91 filters leave the events that LangServe leaves"""
    for filters in [
        {"include_types": ["parser"]},
        {"include_names": ["echo"], "include_tags": ["seq:step:3"]},
        {"include_types": ["chain", "prompt"], "exclude_tags": ["seq:step:1"]},
        {"exclude_names": ["/chain"]},
        {"include_names": []},
    ]:
        # LangServe gives the root's input to whatever comes first (defect 9 of the protocol's notes).
        theirs, ours = (
            [(line["event"], line["name"], line["run"]) for line in outline(asyncio.run(events_of(client, **filters)))]
            for client in (reference(), remote("/chain"))
        )
        assert ours == theirs, (filters, ours, theirs)


def paths(patches):
    """What was changed, in order; neighbours that change the same are one."""
    seen = []
    for patch in patches:
        for operation in patch.ops:
            change = (operation["op"], operation["path"])
            if change not in seen:
                seen.append(change)
    return seen


@check
def same_log():
    """LS-86, LS-87 the run log changes at the places where LangServe's does, in its order"""

    async def patches_of(client):
        return [patch async for patch in client.astream_log(QUESTION)]

    theirs, ours = (asyncio.run(patches_of(client)) for client in (reference(), remote("/chain")))
    assert paths(ours) == paths(theirs), f"ours:   {paths(ours)}\ntheirs: {paths(theirs)}"
    for patches in (ours, theirs):
        for patch in patches:
            for operation in patch.ops:
                if operation["path"].count("/") == 2 and operation["path"].startswith("/logs/"):
                    operation["fields"] = sorted(operation["value"])
    entries = [
        [(operation["path"], operation["fields"]) for patch in patches for operation in patch.ops if "fields" in operation]
        for patches in (ours, theirs)
    ]
    assert entries[0] == entries[1], entries
