"""The playground page in headless Chromium.

usage: playground.py BASE_URL STATS_URL PAGE_FOLDER [SCREENSHOT_FOLDER]

BASE_URL serves the routes /chat (about 40 tokens, some milliseconds apart, configurable), /slow (many more) and /broken (fails
behind a few), and where there are such, /prompt and /forms (see reference_server.py). STATS_URL answers with a JSON object whose
`cancelled` counts the runs that were given up. PAGE_FOLDER holds the page's sources. Screenshots are written to
SCREENSHOT_FOLDER, in both colour schemes.

HEADGATE_CHROMIUM and HEADGATE_CHROMEDRIVER name the programs; default `chromium` and `chromedriver` of the PATH.

Prints one line for each check, then `N passed, N failed`; exits 1 when any failed.
"""

import base64
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import traceback
import urllib.error
import urllib.request

from cutter import Cutter
from langserve.lzstring import LZString
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

NAMES = pathlib.Path(__file__).with_name("names.js").read_text()
CONTRAST = pathlib.Path(__file__).with_name("contrast.js").read_text()
BASE = STATS = ""
PAGE = pathlib.Path()
BROWSER = None
CHECKS = []
# Routes of the reference alone.
OPTIONAL = ["/prompt", "/forms"]


def check(function):
    """Registers a check; its docstring is its name."""
    CHECKS.append(function)
    return function


class Skipped(Exception):
    pass


# What a page may do wrong without anybody seeing: noted before anything of the page runs.
WATCH = """
window.problems = [];
addEventListener('error', (event) => window.problems.push(String(event.message)), true);
addEventListener('unhandledrejection', (event) => window.problems.push('rejected: ' + event.reason));
document.addEventListener('securitypolicyviolation', (event) => window.problems.push('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
"""


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = os.environ.get("HEADGATE_CHROMIUM") or shutil.which("chromium")
    # Containers give no sandbox and little shared memory; the pages are our own.
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(os.environ.get("HEADGATE_CHROMEDRIVER") or shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    return browser


def until(condition, what, seconds=20):
    return WebDriverWait(BROWSER, seconds, poll_frequency=0.02).until(lambda _: condition(), what)


def find(selector):
    return BROWSER.find_element(By.CSS_SELECTOR, selector)


def find_all(selector):
    return BROWSER.find_elements(By.CSS_SELECTOR, selector)


def script(text, *arguments):
    return BROWSER.execute_script(text, *arguments)


def has(route):
    try:
        urllib.request.urlopen(f"{BASE}{route}/input_schema", timeout=10).close()
    except urllib.error.HTTPError:
        if route in OPTIONAL:
            raise Skipped(f"no {route} here") from None
        raise


def open_page(route, base=None, query=""):
    has(route.split("/c/")[0])
    BROWSER.get(f"{base or BASE}{route}/playground/{query}")
    until(lambda: script("return document.body.dataset.ready") == "true", "the page is ready")
    BROWSER.get_log("browser")


def state():
    return find("#output-section").get_attribute("data-state")


def output():
    return script("return document.getElementById('output-text').textContent")


def curl():
    return script("return document.getElementById('curl').textContent")


def say(text):
    box = find("#input textarea")
    box.clear()
    box.send_keys(text)


def run(text="hello"):
    say(text)
    find("#run").click()
    until(lambda: state() != "running", "the run is over")


def cancelled():
    with urllib.request.urlopen(STATS, timeout=10) as answer:
        return json.load(answer)["cancelled"]


def first_config_field():
    """A control of the configuration, and how to change what it holds."""
    for control in find_all("#config input[type=text], #config textarea"):
        if control.get_attribute("inputmode") == "decimal":
            return control, "0.25"
    raise AssertionError("no configurable number here")


# --- The page itself


@check
def loads_cleanly():
    """every route's page loads without a message on the console or a violation of its policy"""
    BROWSER.get_log("browser")
    for route in ["/chat", "/slow", "/broken"]:
        BROWSER.get(f"{BASE}{route}/playground/")
        until(lambda: script("return document.body.dataset.ready") == "true", "the page is ready")
        assert script("return window.problems") == [], script("return window.problems")
        messages = BROWSER.get_log("browser")
        assert messages == [], messages
        assert route in BROWSER.title and find("#route").text == route


@check
def policy_holds():
    """the policy is sent, and keeps foreign script, style and requests out"""
    with urllib.request.urlopen(f"{BASE}/chat/playground/", timeout=10) as answer:
        policy = answer.headers["content-security-policy"]
        assert answer.headers["content-type"].startswith("text/html"), answer.headers["content-type"]
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy
    open_page("/chat")
    script(
        """
        const element = document.createElement('script');
        try { element.textContent = 'window.intruded = true'; document.body.append(element); } catch { window.problems.push('policy: refused'); }
        document.body.setAttribute('style', 'color: red');
        fetch('http://127.0.0.1:9/').catch(() => {});
        """
    )
    until(lambda: len(script("return window.problems")) >= 2, "violations")
    assert not script("return window.intruded")
    assert script("return getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    BROWSER.get_log("browser")


@check
def lzstring_agrees():
    """LS-75 the page's LZString and the original read each other"""
    source = (PAGE / "lzstring.js").read_text()
    vectors = ["", "{}", "[1]", '{"tags":["a"]}', '{"configurable":{"temperature":0.9}}']
    maker = random.Random(75)
    for _ in range(150):
        alphabet = maker.choice(["a", "ab", '{}[]":,\\ 0123456789aeltru', "é\xff\u0100\uffff\u2028", "".join(map(chr, range(32, 1500)))])
        vectors.append("".join(maker.choice(alphabet) for _ in range(maker.randint(0, 300))))
    theirs = [LZString.compressToEncodedURIComponent(text) for text in vectors]
    ours = script(source + "return arguments[0].map(LZString.compress)", vectors)
    assert ours == theirs
    assert script(source + "return arguments[0].map(LZString.decompress)", theirs) == vectors
    bad = ["", "%%%", "N4X", "AAAA", "____", LZString.compressToEncodedURIComponent("a" * 70000)]
    assert script(source + "return arguments[0].map(LZString.decompress)", bad) == [None] * len(bad)


@check
def decodes_any_split():
    """events are the same however lines end and bytes are cut"""
    source = (PAGE / "values.js").read_text() + (PAGE / "stream.js").read_text()
    text = '\ufeffevent: data\ndata: "é😀 \\u2028"\n\n: ping\n\nevent:data\ndata:{"a":\ndata: 1}\n\ndata: x\n\nevent: end\n\n'
    expected = [["data", '"é😀 \\u2028"'], ["data", '{"a":\n1}'], ["", "x"], ["end", None]]
    decode = (
        source
        + """
        const [text, size] = arguments;
        const bytes = new TextEncoder().encode(text);
        const decoder = new EventDecoder();
        const events = [];
        for (let start = 0; start < bytes.length; start += size) events.push(...decoder.push(bytes.slice(start, start + size)));
        return events.map((event) => [event.name, event.data]);
        """
    )
    for ending in ["\n", "\r\n", "\r"]:
        written = text.replace("\n", ending)
        for size in [1, 2, 3, 5, 7, 64, 100000]:
            got = script(decode, written, size)
            assert got == expected, (ending, size, got)


@check
def chunks_add_up():
    """LS-137 chunks add up as the clients add them"""
    source = (PAGE / "values.js").read_text()
    add = source + "return arguments[0].reduce((sum, chunk) => addChunks(sum, chunk), null)"
    assert script(add, [{"a": "x"}, {"a": "y", "b": 1}]) == {"a": "xy", "b": 1}
    assert script(add, ["a", None, "b"]) == "ab"
    call = [
        {"type": "AIMessageChunk", "content": "It ", "tool_call_chunks": [], "usage_metadata": None, "id": "r"},
        {"type": "AIMessageChunk", "content": "is", "tool_call_chunks": [{"name": "w", "args": "", "id": "c", "index": 0}], "id": "r"},
        {"type": "AIMessageChunk", "content": "", "tool_call_chunks": [{"name": None, "args": '{"city": "Pa', "id": None, "index": 0}], "id": "r"},
        {"type": "AIMessageChunk", "content": "", "tool_call_chunks": [{"name": None, "args": 'ris"}', "id": None, "index": 0}], "id": "r"},
        {"type": "AIMessageChunk", "content": "", "usage_metadata": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, "id": "r"},
    ]  # fmt: skip
    total = script(add, call)
    assert total["content"] == "It is" and total["usage_metadata"]["output_tokens"] == 4, total
    shown = script(source + "return presentation(arguments[0])", total)
    assert shown["text"] == "It is" and shown["calls"] == [{"name": "w", "args": {"city": "Paris"}, "id": "c"}], shown


# --- Forms


@check
def chat_form():
    """a chat model's input is a message, or a conversation"""
    open_page("/chat")
    assert [label.text for label in find_all("#input label") if label.is_displayed()] == ["Message"]
    say("hi")
    assert '"input":"hi"' in curl()
    find("#input button.link").click()
    rows = find_all("#input .messages li")
    assert len(rows) == 1 and rows[0].find_element(By.TAG_NAME, "textarea").get_attribute("value") == "hi"
    find("#input .messages + button").click()
    rows = find_all("#input .messages li")
    Select(rows[0].find_element(By.TAG_NAME, "select")).select_by_value("system")
    rows[1].find_element(By.TAG_NAME, "textarea").send_keys("there")
    Select(rows[1].find_element(By.TAG_NAME, "select")).select_by_value("human")
    expected = [{"type": "system", "content": "hi"}, {"type": "human", "content": "there"}]
    assert json.dumps(expected, separators=(",", ":")) in curl(), curl()
    find("#run").click()
    until(lambda: state() == "done", "the run is done")
    find("#continue").click()
    assert [Select(row).first_selected_option.get_attribute("value") for row in find_all("#input .messages select")] == [
        "system", "human", "ai", "human",
    ]  # fmt: skip
    find("#raw").click()
    assert json.loads(find("#input textarea").get_attribute("value"))[2]["content"] == output()
    find("#raw").click()
    assert len(find_all("#input .messages li")) == 4


@check
def object_form():
    """an object's form has a labelled field for each property"""
    open_page("/prompt")
    labels = [label.text for label in find_all("#input label")]
    assert labels == ["Question", "Tone"], labels
    boxes = find_all("#input textarea")
    boxes[0].send_keys("why?")
    boxes[1].send_keys("it's $HOME `x` \"calm\"")
    body = json.loads(curl().split("-d '", 1)[1][:-1].replace("'\\''", "'"))
    assert body == {"input": {"question": "why?", "tone": "it's $HOME `x` \"calm\""}}, body


@check
def every_kind_of_field():
    """numbers, booleans, choices, lists and raw JSON become what the schema says, and problems are shown at their fields"""
    open_page("/forms")

    def labelled(text):
        label = next(label for label in find_all("#input label") if label.text.startswith(text))
        return find("#" + label.get_attribute("for"))

    labelled("Title").send_keys("t")
    assert labelled("Count").get_attribute("value") == "3"
    labelled("Ratio").send_keys("0.5")
    labelled("Urgent").click()
    Select(labelled("Level")).select_by_visible_text("high")
    next(button for button in find_all("#input button") if button.text == "Add item").click()
    labelled("Name").send_keys("bolt")
    extra = labelled("Extra")
    extra.send_keys("{")
    find("#run").click()
    assert extra.get_attribute("aria-invalid") == "true" and state() == "idle"
    assert script("return document.activeElement === arguments[0]", extra)
    extra.clear()
    extra.send_keys('{"k": [1]}')
    find("#run").click()
    until(lambda: state() == "done", "the run is done")
    expected = {
        "title": "t", "count": 3, "ratio": 0.5, "urgent": True, "level": "high",
        "items": [{"name": "bolt", "amount": 1}], "extra": {"k": [1]},
    }  # fmt: skip
    assert json.loads(output()) == expected, output()
    count = labelled("Count")
    count.clear()
    count.send_keys("12")
    find("#run").click()
    until(lambda: state() == "refused", "the run is refused")
    assert count.get_attribute("aria-invalid") == "true"
    described = find("#" + count.get_attribute("aria-describedby").split()[-1])
    assert described.is_displayed() and described.text != "", "a message at the field"
    assert "422" in find("#problem").text


# --- Runs


@check
def streams():
    """the text grows in more than one step, with times, tokens and steps"""
    open_page("/chat")
    script(
        """
        window.lengths = [];
        new MutationObserver(() => window.lengths.push(document.getElementById('output-text').textContent.length))
            .observe(document.getElementById('output-text'), {childList: true, characterData: true, subtree: true});
        """
    )
    run()
    assert state() == "done", find("#problem").text
    lengths = [length for length in script("return window.lengths") if length > 0]
    assert len(set(lengths)) > 2 and lengths == sorted(lengths), lengths
    assert lengths[-1] == len(output())
    for name in ["first-token", "tokens", "rate", "total"]:
        assert find("#" + name).text[0].isdigit(), name
    assert int(find("#tokens").text) > 2
    assert len(find("#run-id").text) == 36
    assert find("#output").get_attribute("aria-busy") == "false"
    assert "Finished" in script("return document.getElementById('announcer').textContent")
    assert script("return window.problems") == []


@check
def lists_steps():
    """steps have a name, a type, a time, an input and an output"""
    try:
        open_page("/prompt")
        find_all("#input textarea")[1].send_keys("calm")
    except Skipped:
        open_page("/chat")
    run()
    assert state() == "done", find("#problem").text
    steps = find_all("#steps > li")
    assert len(steps) >= 1
    if has_route("/prompt"):
        assert [step.find_element(By.CSS_SELECTOR, ".tag").text for step in steps] == ["prompt", "chat model", "parser"]
    for step in steps:
        assert step.find_element(By.CSS_SELECTOR, ".step-name").text
        assert step.find_element(By.CSS_SELECTOR, ".step-time").text.endswith("s")
        step.find_element(By.TAG_NAME, "summary").click()
        until(lambda: step.find_elements(By.TAG_NAME, "pre"), "the step's contents")  # noqa: B023
        assert [title.text for title in step.find_elements(By.TAG_NAME, "h3")] == ["Input", "Output"]
        assert all(pre.text for pre in step.find_elements(By.TAG_NAME, "pre"))


def has_route(route):
    try:
        has(route)
    except Skipped:
        return False
    return True


@check
def stops():
    """Stop ends the run here and at the server"""
    before = cancelled()
    open_page("/slow")
    say("hello")
    find("#run").click()
    until(lambda: len(output()) > 20, "some output")
    find("#stop").click()
    until(lambda: state() == "stopped", "the run is stopped")
    shown = output()
    until(lambda: cancelled() == before + 1, "the server sees it")
    assert output() == shown and find("#problem").is_displayed() is False
    assert find("#run").get_attribute("aria-disabled") == "false"


@check
def runs_again():
    """a run behind a stopped one begins afresh"""
    open_page("/slow")
    say("hello")
    find("#run").click()
    until(lambda: len(output()) > 20, "some output")
    find("#stop").click()
    until(lambda: state() == "stopped", "the run is stopped")
    longer = len(output())
    find("#run").click()
    until(lambda: state() == "running" and 0 < len(output()), "output again")
    assert len(find_all("#steps > li")) == 1
    find("#stop").click()
    until(lambda: state() == "stopped", "the run is stopped")
    assert longer > 0


@check
def shows_errors():
    """an error event is shown with its status, and what came before stays"""
    open_page("/broken")
    run()
    assert state() == "failed"
    assert find("#problem").is_displayed() and "Status 5" in find("#problem").text, find("#problem").text
    assert find("#problem").get_attribute("role") == "alert"
    assert output() != ""
    assert "not finished" in find("#steps").text or "failed" in find("#steps").text


@check
def shows_cuts():
    """a stream that breaks, or ends without its end, is shown as cut"""
    for is_clean in [False, True]:
        cutter = Cutter(BASE, 8000, is_clean)
        try:
            open_page("/chat", base=cutter.url)
            run()
            assert state() == "cut", (is_clean, state(), find("#problem").text)
            assert "incomplete" in find("#problem").text
            assert output() != "" and find("#continue").is_displayed() is False
        finally:
            cutter.close()
    BROWSER.get_log("browser")


@check
def shows_unreachable():
    """a server that is gone is said to be gone"""
    cutter = Cutter(BASE, 0, False)
    open_page("/chat", base=cutter.url)
    run()
    assert state() in ("unreachable", "cut"), state()
    assert find("#problem").is_displayed()
    cutter.close()
    BROWSER.get_log("browser")


@check
def curl_does_the_same():
    """the curl line, run by a shell, prints the same output"""
    open_page("/chat")
    run("it's \"quoted\" $HOME `x` \\ é😀")
    assert state() == "done"
    line = curl()
    printed = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True).stdout
    chunks = [json.loads(part.split("data: ", 1)[1]) for part in printed.replace("\r", "").split("\n\n") if part.startswith("event: data")]
    text = "".join(chunk if isinstance(chunk, str) else chunk["content"] for chunk in chunks)
    assert text == output() and text != ""


@check
def copies():
    """the curl line and the link are copied, also by the old way where a page has no clipboard"""
    open_page("/chat")
    BROWSER.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": BASE})
    say("copy me")
    clipboard = "navigator.clipboard.readText().then(arguments[0], (error) => arguments[0](String(error)))"
    for without in [False, True]:
        if without:
            script("navigator.clipboard.writeText = () => Promise.reject(new Error('none'))")
        for button, wanted in [("#copy-curl", curl()), ("#copy-link", find("#link").get_attribute("value"))]:
            find(button).click()
            until(lambda: find(button).text == "Copied", "it says so")  # noqa: B023
            assert BROWSER.execute_async_script(clipboard) == wanted
            assert script("return document.activeElement.id") == button[1:]
            until(lambda: find(button).text == "Copy", "the button is itself again")  # noqa: B023


@check
def link_keeps_configuration():
    """LS-76 the link opens the same configuration, which runs and can be reset"""
    open_page("/chat")
    plain = find("#link").get_attribute("value")
    assert plain == f"{BASE}/chat/playground/", plain
    control, value = first_config_field()
    label = find(f"label[for={control.get_attribute('id')}]").text
    control.clear()
    control.send_keys(value)
    link = find("#link").get_attribute("value")
    assert "/c/" in link
    config = json.loads(LZString.decompressFromEncodedURIComponent(link.split("/c/")[1].split("/")[0]))
    assert list(config) == ["configurable"] and list(config["configurable"].values()) == [float(value)], config
    BROWSER.get(link)
    until(lambda: script("return document.body.dataset.ready") == "true", "the page is ready")
    control, _ = first_config_field()
    assert find(f"label[for={control.get_attribute('id')}]").text == label
    assert control.get_attribute("value") == value and find("#shared").is_displayed()
    assert find("#link").get_attribute("value") == link
    assert '"configurable"' in curl()
    run()
    assert state() == "done", find("#problem").text
    find("#reset").click()
    assert find("#link").get_attribute("value") == plain
    assert '"config"' not in curl()


@check
def bad_link():
    """LS-78 a link with a hash that is none says so"""
    has("/chat")
    BROWSER.get(f"{BASE}/chat/c/bogus/playground/")
    until(lambda: script("return document.body.dataset.ready") == "true", "the page is ready")
    assert find("#load-error").is_displayed() and "400" in find("#load-error").text, find("#load-error").text
    BROWSER.get_log("browser")


@check
def shows_refusals():
    """a refused input is marked, with why"""
    open_page("/chat")
    find("#raw").click()
    box = find("#input textarea")
    box.clear()
    box.send_keys("5")
    find("#run").click()
    until(lambda: state() == "refused", "the run is refused")
    assert box.get_attribute("aria-invalid") == "true" and "422" in find("#problem").text
    BROWSER.get_log("browser")


# --- People


@check
def keyboard_only():
    """all works without a mouse: skip link, Ctrl+Enter, Escape"""
    open_page("/slow")
    keys = webdriver.ActionChains(BROWSER)
    keys.send_keys(Keys.TAB).perform()
    assert BROWSER.switch_to.active_element.get_attribute("class") == "skip"
    keys.send_keys(Keys.ENTER).perform()
    assert BROWSER.switch_to.active_element.get_attribute("id") == "input-heading"
    visited = []
    for _ in range(40):
        keys.send_keys(Keys.TAB).perform()
        active = BROWSER.switch_to.active_element
        if active.tag_name == "body" or "skip" in (active.get_attribute("class") or ""):
            break
        visited.append(active.get_attribute("id"))
        outline = script("return getComputedStyle(document.activeElement).outlineStyle", active)
        assert outline != "none", f"no visible focus at {visited[-1]}"
    for wanted in ["raw", "run", "stop", "copy-curl", "copy-link", "output"]:
        assert wanted in visited, (wanted, visited)
    find("#input textarea").send_keys("hello", Keys.CONTROL, Keys.ENTER)
    until(lambda: state() == "running" and output() != "", "it runs")
    webdriver.ActionChains(BROWSER).send_keys(Keys.ESCAPE).perform()
    until(lambda: state() == "stopped", "it stops")
    assert BROWSER.switch_to.active_element.tag_name == "textarea", "the focus stays"



def scheme(name):
    BROWSER.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})


@check
def accessible():
    """controls have names, headings an order, and colours contrast, light and dark, before, during and after runs"""
    try:
        for name in ["light", "dark"]:
            scheme(name)
            for route in ["/chat", "/forms", "/broken", "/slow"]:
                if not has_route(route):
                    continue
                open_page(route)
                if name == "dark":
                    assert luminance_of_page() < 0.2
                if route == "/forms":
                    next(button for button in find_all("#input button") if button.text == "Add item").click()
                assert script(NAMES) == [], script(NAMES)
                assert script(CONTRAST) == [], (name, route, script(CONTRAST))
                if route == "/forms":
                    find("#input input[inputmode=decimal]").clear()
                    find("#input input[inputmode=decimal]").send_keys("x")
                    find("#run").click()
                    assert find("#input [aria-invalid=true]")
                else:
                    say("hello")
                    find("#run").click()
                    until(lambda: output() != "", "output")
                    if route != "/slow":
                        until(lambda: state() != "running", "the run is over")
                    for summary in find_all("#steps summary"):
                        summary.click()
                assert script(NAMES) == [], script(NAMES)
                assert script(CONTRAST) == [], (name, route, script(CONTRAST))
                if route == "/slow":
                    find("#stop").click()
                    until(lambda: state() == "stopped", "the run is stopped")
                    assert script(CONTRAST) == [], (name, route, script(CONTRAST))
    finally:
        scheme("light")
        BROWSER.get_log("browser")


def luminance_of_page():
    return script("const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g); return (+r + +g + +b) / 765")


@check
def narrow():
    """on a narrow screen nothing is wider than the screen"""
    BROWSER.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True})
    try:
        for route in ["/chat", "/forms"]:
            if not has_route(route):
                continue
            open_page(route)
            if route == "/chat":
                run("a" * 200)
            width = script("return document.documentElement.scrollWidth")
            assert width <= 360, (route, width)
    finally:
        BROWSER.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# --- Pictures


def screenshots(folder):
    folder.mkdir(parents=True, exist_ok=True)
    route = "/prompt" if has_route("/prompt") else "/chat"
    for name in ["light", "dark"]:
        scheme(name)
        open_page(route)
        boxes = find_all("#input textarea")
        boxes[0].send_keys("How do I tell a slow upstream from one that is gone?")
        if len(boxes) > 1:
            boxes[1].send_keys("calm and exact")
        find("#run").click()
        until(lambda: len(output()) > 60, "some output")
        picture(folder / f"running-{name}.png")
        until(lambda: state() != "running", "the run is over")
        summaries = find_all("#steps summary")
        summaries[min(1, len(summaries) - 1)].click()
        script("document.activeElement.blur(); scrollTo(0, 0)")
        picture(folder / f"playground-{name}.png")
        if has_route("/forms"):
            open_page("/forms")
            next(button for button in find_all("#input button") if button.text == "Add item").click()
            picture(folder / f"forms-{name}.png")
        open_page("/broken")
        find("#input button.link").click()
        find("#run").click()
        until(lambda: state() != "running", "the run is over")
        picture(folder / f"broken-{name}.png")
    scheme("light")
    BROWSER.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})
    open_page("/chat")
    run("hello")
    picture(folder / "narrow-light.png", beyond=True)
    BROWSER.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def picture(file, beyond=False):
    data = BROWSER.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": beyond})["data"]
    if beyond:
        size = BROWSER.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = BROWSER.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip})["data"]
    file.write_bytes(base64.b64decode(data))


def main():
    global BASE, STATS, PAGE, BROWSER
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    BASE, STATS, PAGE = sys.argv[1].rstrip("/"), sys.argv[2], pathlib.Path(sys.argv[3])
    only = os.environ.get("HEADGATE_BROWSER_ONLY", "")
    passed = failed = 0
    BROWSER = start_browser()
    try:
        for function in CHECKS:
            if only not in function.__name__:
                continue
            try:
                function()
            except Skipped as reason:
                print(f"skip  {function.__doc__}: {reason}", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL  {function.__doc__}", flush=True)
                traceback.print_exc()
            else:
                passed += 1
                print(f"ok    {function.__doc__}", flush=True)
        if len(sys.argv) > 4:
            screenshots(pathlib.Path(sys.argv[4]))
    finally:
        BROWSER.quit()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
