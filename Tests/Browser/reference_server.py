"""LangServe itself with Headgate's playground page, for Tests/Browser/playground.py.

usage: reference_server.py PAGE_FOLDER

Serves on a free port of 127.0.0.1 and prints `listening on URL`. The routes:

    /chat     a chat model that says 40 words, 15 ms apart; temperature and system are configurable
    /slow     the same with 2000 words
    /broken   a chat model that fails behind five words
    /prompt   an object with a text and a tone, through prompt, chat model and parser
    /forms    an object with a field of every kind; answers with what it got

/stats tells how many runs were cancelled.
"""

import asyncio
import base64
import hashlib
import pathlib
import re
import socket
import sys
from typing import Literal, Optional

import uvicorn
from fastapi import FastAPI, Response
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda
from langserve import add_routes
from pydantic import BaseModel, Field

STATS = {"cancelled": 0}
WORDS = (
    "An upstream that answers slowly is not the same as one that is gone. First look at the time to the first token: when it "
    "grows, requests wait in a queue. When only the rate falls, the machine is busy."
).split(" ")


class Words(BaseChatModel):
    count: int = 40
    fails_after: int = -1
    temperature: float = 0.7
    system: str = ""

    @property
    def _llm_type(self):
        return "words"

    def text(self, place):
        return ("" if place == 0 else " ") + WORDS[place % len(WORDS)]

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        text = "".join(self.text(place) for place in range(self.count))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        try:
            for place in range(self.count):
                if place == self.fails_after:
                    raise RuntimeError("broken")
                await asyncio.sleep(0.015)
                yield ChatGenerationChunk(message=AIMessageChunk(content=self.text(place)))
            usage = {"input_tokens": 9, "output_tokens": self.count, "total_tokens": 9 + self.count}
            metadata = {"model_name": "words", "temperature": self.temperature, "system": self.system}
            yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=usage, response_metadata=metadata))
        except (asyncio.CancelledError, GeneratorExit):
            STATS["cancelled"] += 1
            raise


def configurable(model):
    return model.configurable_fields(
        temperature=ConfigurableField(id="temperature", name="Temperature", description="0 is the most likely word"),
        system=ConfigurableField(id="system", name="System prompt"),
    )


class Item(BaseModel):
    name: str
    amount: int = 1


class Forms(BaseModel):
    title: str = Field(description="What it is called")
    count: int = Field(3, ge=1, le=9)
    ratio: Optional[float] = None
    urgent: bool = False
    level: Literal["low", "middle", "high"] = "middle"
    items: list[Item] = []
    extra: dict = {}


def page(folder):
    """The page as the daemon serves it, and its policy."""
    text = (folder / "page.html").read_text()
    text = re.sub(r"\{\{([a-z]+\.(?:css|js))\}\}", lambda match: (folder / match[1]).read_text(), text)

    def allowed(pattern):
        block = re.search(pattern, text, re.S)[1]
        return "'sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() + "'"

    policy = "; ".join([
        "default-src 'none'",
        "script-src " + allowed('<script type="module">(.*?)</script>'),
        "style-src " + allowed("<style>(.*?)</style>"),
        "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    ])  # fmt: skip
    return text, {"content-security-policy": policy}


def main():
    folder = pathlib.Path(sys.argv[1])
    app = FastAPI()
    prompt = ChatPromptTemplate.from_messages([("system", "Be {tone}."), ("human", "{question}")])
    routes = {
        "/chat": configurable(Words()),
        "/slow": configurable(Words(count=2000)),
        "/broken": Words(fails_after=5),
        "/prompt": prompt | configurable(Words()) | StrOutputParser(),
        "/forms": RunnableLambda(lambda value: value if isinstance(value, dict) else value.model_dump()).with_types(input_type=Forms),
    }

    @app.get("/stats")
    def stats():
        return STATS

    def mount(path):
        # Read again each time: whoever works on the page needs only to load it again.
        def serve():
            text, headers = page(folder)
            return Response(text, media_type="text/html; charset=utf-8", headers=headers)

        app.get(path + "/playground/")(serve)
        app.get(path + "/c/{config_hash}/playground/")(serve)

    for path, runnable in routes.items():
        mount(path)
        add_routes(app, runnable, path=path, disabled_endpoints=["playground"])
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


main()
