// swift-format-ignore-file
// Written by PlaygroundPageTests from the files in Page/; edit those.

enum PlaygroundSources {
    static let scriptHash = "sha256-OCOcjELnZe0Rp1wq8AD0IV5f9kxy9xzccRyv1DP9OoQ="
    static let styleHash = "sha256-Oz3eKgWJx6Bg75u/O6g6PPOluexuYDDCHpeV6SYiJyI="
    static let page = ##"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Headgate playground</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%230b5fae'/%3E%3Cpath d='M4 3v10M12 3v10M4 8h8' stroke='white' stroke-width='2'/%3E%3C/svg%3E">
<style>
:root {
  color-scheme: light dark;
  --page: #f4f6f8;
  --surface: #ffffff;
  --inset: #f7f9fa;
  --text: #18212b;
  --muted: #55616e;
  --line: #d8dee5;
  --edge: #7b8794;
  --accent: #0b5fae;
  --accent-strong: #084b8a;
  --on-accent: #ffffff;
  --bad: #a8201a;
  --bad-surface: #fdf0ef;
  --good: #1b6b36;
  --good-surface: #eaf5ee;
  --warn: #805000;
  --warn-surface: #fdf3e0;
  --busy-surface: #e8f1fa;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1419;
    --surface: #171e26;
    --inset: #11171d;
    --text: #e4e9ef;
    --muted: #a0acb9;
    --line: #2b3540;
    --edge: #6f7c8a;
    --accent: #7cb9f5;
    --accent-strong: #a5d0fa;
    --on-accent: #0b1a29;
    --bad: #ff9d94;
    --bad-surface: #331a1a;
    --good: #83d6a0;
    --good-surface: #14291c;
    --warn: #f0c069;
    --warn-surface: #2f2510;
    --busy-surface: #15293d;
  }
}
* { box-sizing: border-box; scrollbar-width: thin; scrollbar-color: var(--edge) transparent; }
[hidden] { display: none !important; }
body {
  margin: 0;
  background: var(--page);
  color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif;
}
code, pre, kbd, .code { font-family: var(--mono); font-size: 13px; line-height: 1.55; }
h1, h2, h3, h4, p, dl, dd, ol { margin: 0; padding: 0; }
h2 { font-size: 16px; font-weight: 600; }
h3 { font-size: 13px; font-weight: 500; color: var(--muted); }

:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
h2:focus, fieldset:focus { outline: none; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; border: 0;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: 16px; top: -60px; z-index: 1; padding: 8px 12px; background: var(--surface); color: var(--accent); border-radius: 6px; }
.skip:focus { top: 8px; }

header {
  display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px;
  padding: 12px 24px; background: var(--surface); border-bottom: 1px solid var(--line);
}
h1 { font-size: 17px; font-weight: 600; }
h1 code { font-size: 16px; font-weight: 500; margin-left: 6px; padding-left: 12px; border-left: 1px solid var(--line); overflow-wrap: anywhere; }
.brand { color: var(--accent); }
.tag {
  padding: 1px 8px; border-radius: 10px; background: var(--busy-surface); color: var(--accent-strong);
  font-size: 12px; white-space: nowrap;
}
.tag:empty { display: none; }
.tag.quiet { background: var(--inset); color: var(--muted); border: 1px solid var(--line); }

main {
  display: grid; grid-template: auto 1fr / minmax(320px, 5fr) minmax(360px, 7fr); gap: 20px; align-items: start;
  max-width: 1480px; margin: 0 auto; padding: 20px 24px 48px;
}
form, .results { display: grid; gap: 20px; min-width: 0; grid-template-columns: minmax(0, 1fr); }
.results { grid-column: 2; grid-row: 1 / 3; }
.share { grid-column: 1; grid-row: 2; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; min-width: 0; }
.card-head { display: flex; align-items: center; justify-content: space-between; gap: 12px; margin-bottom: 10px; }
.card > h2 { margin-bottom: 10px; }
pre + .card-head { margin-top: 14px; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 10px; margin-top: 14px; }
.actions:not(:has(> :not([hidden]))) { display: none; }
.help, .hint { color: var(--muted); font-size: 13px; }
.hint { font-weight: 400; }
.keys { margin-left: auto; }
kbd { padding: 1px 5px; border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 4px; background: var(--inset); font-size: 12px; }

button, input, select, textarea { font: inherit; color: inherit; }
button { padding: 7px 16px; border: 1px solid var(--edge); border-radius: 6px; background: var(--surface); font-weight: 500; cursor: pointer; }
button:hover { background: var(--inset); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); padding-inline: 22px; }
button.primary:hover { background: var(--accent-strong); }
button.small { padding: 3px 10px; font-size: 13px; }
button.link { padding: 0; border: 0; background: none; color: var(--accent); font-size: 13px; text-decoration: underline; text-underline-offset: 2px; }
button[aria-disabled="true"], button.primary[aria-disabled="true"] { background: var(--inset); border-color: var(--line); color: var(--muted); cursor: default; }
button[aria-pressed="true"] { background: var(--busy-surface); border-color: var(--accent); color: var(--accent-strong); }
input[type="text"], textarea, select { width: 100%; padding: 7px 10px; border: 1px solid var(--edge); border-radius: 6px; background: var(--surface); }
select { padding-right: 4px; }
textarea { field-sizing: content; min-height: 38px; max-height: 480px; resize: vertical; display: block; }
textarea[rows="2"] { min-height: 62px; }
textarea[rows="3"] { min-height: 84px; }
textarea[rows="4"] { min-height: 108px; }
textarea[rows="10"] { min-height: 230px; }
input:focus-visible, textarea:focus-visible, select:focus-visible { outline-offset: 0; border-color: var(--accent); }
input[type="checkbox"] { width: 18px; height: 18px; margin: 0; accent-color: var(--accent); }
::placeholder { color: var(--muted); opacity: 1; }
[aria-invalid="true"] { border-color: var(--bad) !important; }

fieldset { min-width: 0; margin: 0 0 12px; padding: 10px 14px 2px; border: 1px solid var(--line); border-radius: 8px; }
fieldset.plain { border: 0; padding: 0; margin: 0; }
legend, label { font-weight: 500; font-size: 14px; }
legend { padding: 0 4px; }
.field { margin-bottom: 12px; }
.field > label { display: block; margin-bottom: 4px; }
.field .help { margin-top: 4px; }
.field.check { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; }
.field.check > label { margin: 0; }
.field.check > p { flex-basis: 100%; }
.field-error { color: var(--bad); font-size: 13px; margin-top: 4px; }
.items { display: grid; gap: 8px; }
.item { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 10px; align-items: end; }
.item > button { margin-bottom: 14px; }
.item:has(> fieldset) { align-items: start; }
.item:has(> fieldset) > button { margin-top: 8px; }
.item + .item { border-top: 1px solid var(--line); padding-top: 8px; }
fieldset > button.small { margin: 4px 0 12px; }
.messages { list-style: none; display: grid; gap: 10px; margin-bottom: 8px; }
.message-head { display: flex; justify-content: space-between; gap: 10px; margin-bottom: 4px; }
.message-head select { width: auto; padding: 2px 4px; font-size: 13px; font-weight: 500; }
fieldset > div > button.small { margin-bottom: 12px; }
fieldset.plain > .link { display: block; }

summary { cursor: pointer; border-radius: 4px; }
summary h2 { display: inline; }
#config-details > summary { display: flex; align-items: center; gap: 10px; }
#config-details[open] > summary { margin-bottom: 12px; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; flex: none; width: 7px; height: 7px; border: solid var(--muted); border-width: 0 2px 2px 0; transform: rotate(-45deg); }
details[open] > summary::before { transform: rotate(45deg); }
pre { margin: 0; padding: 10px 12px; background: var(--inset); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 360px; overflow: auto; }
#link { background: var(--inset); }

.state { padding: 2px 10px; border-radius: 12px; font-size: 13px; font-weight: 500; background: var(--inset); color: var(--muted); border: 1px solid var(--line); }
[data-state="running"] .state { background: var(--busy-surface); color: var(--accent-strong); border-color: var(--accent); }
[data-state="done"] .state { background: var(--good-surface); color: var(--good); border-color: var(--good); }
[data-state="stopped"] .state, [data-state="cut"] .state { background: var(--warn-surface); color: var(--warn); border-color: var(--warn); }
[data-state="failed"] .state, [data-state="refused"] .state, [data-state="unreachable"] .state { background: var(--bad-surface); color: var(--bad); border-color: var(--bad); }
.metrics { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1px; margin-bottom: 14px; background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.metrics > div { padding: 8px 12px; background: var(--inset); }
.metrics dt { color: var(--muted); font-size: 12px; }
.metrics .hint { font-size: 12px; }
.metrics dd { font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.4; }
.problem { margin-bottom: 14px; padding: 10px 14px; border: 1px solid var(--bad); border-left-width: 4px; border-radius: 6px; background: var(--bad-surface); color: var(--bad); overflow-wrap: anywhere; }
[data-state="cut"] .problem { border-color: var(--warn); background: var(--warn-surface); color: var(--warn); }
#output { min-height: 120px; max-height: 62vh; overflow: auto; border-radius: 4px; }
#output-text { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 16px; line-height: 1.6; }
#output-text.code { font-size: 13px; line-height: 1.55; }
[data-state="running"] #output-text::after { content: ""; display: inline-block; width: 8px; height: 1.05em; margin-left: 2px; vertical-align: text-bottom; background: var(--accent); }
[data-state="running"] #output-text { min-height: 1.6em; }
#calls { margin-top: 12px; }
#calls h3 { margin-bottom: 6px; }
#run-id-line { margin-left: auto; }
#run-id { font-size: 12px; }

#steps { list-style: none; }
#steps > li { border-top: 1px solid var(--line); }
#steps > li:first-child { border-top: 0; }
#steps summary { display: flex; align-items: center; gap: 10px; padding: 8px 2px; }
.step-name { font-weight: 500; overflow-wrap: anywhere; }
.step-time { margin-left: auto; color: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.step-body { padding: 0 0 12px 19px; }
.step-body h3 { margin-top: 8px; font-size: 12px; font-weight: 600; }
.step-body h3:first-child { margin-top: 0; }
.step-body .help { margin-top: 8px; font-size: 12px; overflow-wrap: anywhere; }
.depth-2 { padding-left: 18px; }
.depth-3 { padding-left: 36px; }
.depth-4 { padding-left: 54px; }
.depth-5 { padding-left: 72px; }
.depth-6 { padding-left: 90px; }

@media (max-width: 900px) {
  main { grid-template: none / minmax(0, 1fr); padding: 14px 14px 40px; gap: 14px; }
  header { padding: 10px 14px; }
  form, .results { gap: 14px; }
  .results, .share { grid-column: 1; grid-row: auto; }
  .metrics { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 480px) { .keys { display: none; } }
@media (forced-colors: active) { .state, .tag, .card { border: 1px solid; } }
</style>
</head>
<body>
<a class="skip" href="#input-heading">Skip to the input</a>
<header>
  <h1><span class="brand">Headgate</span> <span class="visually-hidden">playground of</span> <code id="route"></code></h1>
  <span id="shared" class="tag" hidden>shared configuration</span>
  <span id="output-type" class="tag quiet"></span>
</header>
<main>
  <form id="form" novalidate>
    <div id="load-error" class="problem" role="alert" hidden><p id="load-error-text"></p></div>
    <section class="card" aria-labelledby="input-heading">
      <div class="card-head">
        <h2 id="input-heading" tabindex="-1">Input</h2>
        <button type="button" id="raw" class="small" aria-pressed="false">JSON</button>
      </div>
      <div id="input"></div>
      <div class="actions">
        <button type="submit" id="run" class="primary" aria-keyshortcuts="Control+Enter">Run</button>
        <button type="button" id="stop" aria-disabled="true" aria-keyshortcuts="Escape">Stop</button>
        <p class="help keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd> runs, <kbd>Esc</kbd> stops</p>
      </div>
    </section>
    <section id="config-section" class="card" aria-labelledby="config-heading" hidden>
      <details id="config-details" open>
        <summary><h2 id="config-heading">Configuration</h2></summary>
        <div id="config"></div>
        <button type="button" id="reset" class="small">Reset to defaults</button>
      </details>
    </section>
  </form>
  <div class="results">
    <section id="output-section" class="card" aria-labelledby="output-heading" data-state="idle">
      <div class="card-head">
        <h2 id="output-heading">Output</h2>
        <span id="state" class="state">Ready</span>
      </div>
      <dl class="metrics">
        <div><dt>First token</dt><dd id="first-token">–</dd></div>
        <div><dt>Tokens <span id="tokens-kind" class="hint"></span></dt><dd id="tokens">–</dd></div>
        <div><dt>Tokens per second</dt><dd id="rate">–</dd></div>
        <div><dt>Total</dt><dd id="total">–</dd></div>
      </dl>
      <div id="problem" class="problem" role="alert" hidden></div>
      <div id="output" role="region" aria-labelledby="output-heading" aria-busy="false" tabindex="0">
        <p id="placeholder" class="help">The answer appears here as it arrives.</p>
        <div id="output-text"></div>
        <div id="calls" hidden><h3>Tool calls</h3><pre id="calls-text" class="code"></pre></div>
      </div>
      <div class="actions">
        <button type="button" id="continue" class="small" hidden>Continue the conversation</button>
        <button type="button" id="copy-output" class="small" hidden>Copy output</button>
        <p id="run-id-line" class="help" hidden>run <code id="run-id"></code></p>
      </div>
    </section>
    <section class="card" aria-labelledby="steps-heading">
      <div class="card-head"><h2 id="steps-heading">Steps</h2><span id="step-count" class="hint"></span></div>
      <p id="no-steps" class="help">What the run is made of: prompts, models, parsers and tools, with their inputs, outputs and times.</p>
      <ol id="steps" aria-labelledby="steps-heading"></ol>
    </section>
  </div>
  <section class="card share" aria-labelledby="request-heading">
    <h2 id="request-heading">Take it elsewhere</h2>
    <div class="card-head">
      <h3 id="curl-heading">As a curl line</h3>
      <button type="button" id="copy-curl" class="small" aria-describedby="curl-heading">Copy</button>
    </div>
    <pre id="curl" tabindex="0" role="group" aria-labelledby="curl-heading"></pre>
    <div class="card-head">
      <h3 id="link-heading">As a link with this configuration</h3>
      <button type="button" id="copy-link" class="small" aria-label="Copy link">Copy</button>
    </div>
    <input id="link" type="text" class="code" readonly aria-labelledby="link-heading">
  </section>
</main>
<div id="announcer" class="visually-hidden" role="status" aria-live="polite"></div>
<noscript><p class="problem">This page needs JavaScript.</p></noscript>
<script type="module">
// JSON values as LangChain streams them: how chunks add up, and what people want to see of them.

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEqual(left, right) {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((item, place) => isEqual(item, right[place]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && isEqual(left[key], right[key]));
}

const MESSAGE_TYPES = new Set(['ai', 'human', 'chat', 'system', 'function', 'tool', 'generic']);

function isMessage(value) {
  return isObject(value) && 'content' in value && typeof value.type === 'string'
    && (MESSAGE_TYPES.has(value.type) || value.type.endsWith('MessageChunk'));
}

// The sum of two chunks. What does not fit together yields to the later one.
function addChunks(left, right) {
  if (left === undefined || left === null) return right;
  if (right === undefined || right === null) return left;
  if (isMessage(left) && isMessage(right)) return addMessages(left, right);
  if (typeof left === 'string' && typeof right === 'string') return left + right;
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (Array.isArray(left) && Array.isArray(right)) return addLists(left, right);
  if (isObject(left) && isObject(right)) {
    const sum = { ...left };
    for (const [key, value] of Object.entries(right)) {
      if (key === 'type' || (key === 'index' && typeof value === 'number')) sum[key] = value;
      else sum[key] = addChunks(Object.hasOwn(sum, key) ? sum[key] : undefined, value);
    }
    return sum;
  }
  return right;
}

// Elements with the same integer index are one element in pieces.
function addLists(left, right) {
  const sum = [...left];
  for (const item of right) {
    const place = isObject(item) && Number.isInteger(item.index)
      ? sum.findIndex((other) => isObject(other) && other.index === item.index && !(other.id && item.id && other.id !== item.id))
      : -1;
    if (place < 0) sum.push(item);
    else sum[place] = addChunks(sum[place], item);
  }
  return sum;
}

function addMessages(left, right) {
  const sum = { ...left };
  if (typeof left.content === typeof right.content && Array.isArray(left.content) === Array.isArray(right.content)) {
    sum.content = addChunks(left.content, right.content);
  } else {
    const list = (content) => (typeof content === 'string' ? (content === '' ? [] : [content]) : content);
    sum.content = addLists(list(left.content), list(right.content));
  }
  for (const key of ['additional_kwargs', 'response_metadata', 'usage_metadata', 'tool_call_chunks']) {
    if (key in left || key in right) sum[key] = addChunks(left[key], right[key]);
  }
  sum.id = left.id ?? right.id;
  return sum;
}

// The text of a message's content, and of any other chunk that has one; other content blocks as JSON.
function textOf(value) {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    return value.map((block) => {
      if (typeof block === 'string') return block;
      if (isObject(block) && typeof block.text === 'string') return block.text;
      return JSON.stringify(block, null, 2);
    }).join('');
  }
  if (isMessage(value)) return textOf(value.content);
  if (isObject(value) && typeof value.text === 'string') return value.text;
  return '';
}

// The calls of a message: whole ones, or put together from their chunks.
function toolCalls(message) {
  const chunks = message.tool_call_chunks ?? [];
  if (chunks.length > 0) {
    return chunks.map((chunk) => {
      let args = chunk.args ?? '';
      try {
        args = JSON.parse(args);
      } catch {
        // Still arriving, or malformed: as it is.
      }
      return { name: chunk.name, args, id: chunk.id };
    });
  }
  const calls = [...(message.tool_calls ?? []), ...(message.invalid_tool_calls ?? [])];
  return calls.map(({ name, args, id }) => ({ name, args, id }));
}

// What to show of a value: {text, isJSON, calls}.
function presentation(value) {
  if (value === undefined) return { text: '', isJSON: false, calls: [] };
  if (typeof value === 'string') return { text: value, isJSON: false, calls: [] };
  if (isMessage(value)) return { text: textOf(value.content), isJSON: false, calls: toolCalls(value) };
  if (isObject(value) && /^Generation/.test(value.type ?? '')) return { text: textOf(value), isJSON: false, calls: [] };
  return { text: JSON.stringify(value, null, 2), isJSON: true, calls: [] };
}

// The messages of a prompt as people write conversations, null where `value` is none.
function transcript(value) {
  let messages = isObject(value) && Array.isArray(value.messages) ? value.messages : value;
  if (Array.isArray(messages) && messages.length === 1 && Array.isArray(messages[0])) [messages] = messages;
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isMessage)) return null;
  return messages.map((message) => {
    const calls = toolCalls(message);
    const role = message.type === 'chat' ? message.role : message.type;
    return `${role}: ${textOf(message.content)}${calls.length > 0 ? `\n${JSON.stringify(calls, null, 2)}` : ''}`;
  }).join('\n\n');
}

// As one argument of a POSIX shell.
function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function seconds(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 2 : 1)} s`;
}
// LZString's "encoded URI component" flavour, for config hashes. An LZ78 code over UTF-16 code units, six bits a character;
// numbers have their lowest bit first and as many bits as the dictionary needs. 0 and 1 announce a new unit of 8 or 16 bits,
// 2 is the end.
const LZString = (() => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-';
  const MAXIMUM = 65536;

  // Grows by one for each number, and by one more for each new unit, on both sides.
  class Width {
    bits = 2;
    room = 2;
    grow() {
      this.room -= 1;
      if (this.room === 0) {
        this.room = 2 ** this.bits;
        this.bits += 1;
      }
    }
  }

  function compress(text) {
    const bits = [];
    const write = (number, width) => {
      for (let bit = 0; bit < width; bit += 1) bits.push((number >> bit) & 1);
    };
    const width = new Width();
    const entries = new Map();
    const unwritten = new Map();
    let next = 3;
    let current = null;
    const add = (key) => {
      entries.set(key, next);
      next += 1;
      return next - 1;
    };
    const emit = (entry) => {
      if (unwritten.has(entry)) {
        const unit = unwritten.get(entry);
        unwritten.delete(entry);
        write(unit < 256 ? 0 : 1, width.bits);
        write(unit, unit < 256 ? 8 : 16);
        width.grow();
      } else {
        write(entry, width.bits);
      }
      width.grow();
    };
    for (let place = 0; place < text.length; place += 1) {
      const unit = text.charCodeAt(place);
      let alone = entries.get(`:${unit}`);
      if (alone === undefined) {
        alone = add(`:${unit}`);
        unwritten.set(alone, unit);
      }
      const longer = `${current}:${unit}`;
      if (current === null) {
        current = alone;
      } else if (entries.has(longer)) {
        current = entries.get(longer);
      } else {
        emit(current);
        add(longer);
        current = alone;
      }
    }
    if (current !== null) emit(current);
    write(2, width.bits);
    // At least one bit of padding, always.
    do bits.push(0); while (bits.length % 6 !== 0);
    let result = '';
    for (let place = 0; place < bits.length; place += 6) {
      result += ALPHABET[bits.slice(place, place + 6).reduce((sum, bit) => sum * 2 + bit, 0)];
    }
    return result;
  }

  // null for what no compressor wrote, and for more than 65536 units.
  function decompress(text) {
    const sixes = Array.from(text, (character) => {
      if (character === ' ') return ALPHABET.indexOf('+');
      return character === '$' ? 0 : ALPHABET.indexOf(character);
    });
    let place = 0;
    const read = (width) => {
      let number = 0;
      for (let bit = 0; bit < width; bit += 1) {
        const six = sixes[Math.floor(place / 6)];
        if (six === undefined || six < 0) return null;
        number += ((six >> (5 - (place % 6))) & 1) * 2 ** bit;
        place += 1;
      }
      return number;
    };
    const width = new Width();
    const entries = [];
    let result = '';
    let last = null;
    while (result.length <= MAXIMUM) {
      const number = read(width.bits);
      if (number === null) return null;
      if (number === 2) return result;
      let piece;
      if (number < 2) {
        const unit = read(number === 0 ? 8 : 16);
        if (unit === null) return null;
        piece = String.fromCharCode(unit);
        entries.push(piece);
        width.grow();
        if (last !== null) entries.push(last + piece);
      } else {
        if (last === null || number - 3 > entries.length) return null;
        piece = number - 3 === entries.length ? last + last[0] : entries[number - 3];
        entries.push(last + piece[0]);
      }
      width.grow();
      result += piece;
      last = piece;
    }
    return null;
  }

  return { compress, decompress };
})();
// Server-sent events from bytes cut anywhere; lines end with LF, CR or CR LF.
class EventDecoder {
  constructor() {
    this.text = new TextDecoder();
    this.line = '';
    this.endedWithCR = false;
    this.name = '';
    this.data = null;
  }

  // The events that `bytes` complete, as {name, data}; data is null where there was none.
  push(bytes) {
    const events = [];
    let text = this.text.decode(bytes, { stream: true });
    if (text === '') return events;
    const endsWithCR = text.endsWith('\r');
    if (this.endedWithCR && text[0] === '\n') text = text.slice(1);
    this.endedWithCR = endsWithCR;
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.line + lines[0];
    this.line = lines.pop();
    for (const line of lines) {
      if (line !== '') {
        this.field(line);
      } else if (this.name !== '' || this.data !== null) {
        events.push({ name: this.name, data: this.data });
        this.name = '';
        this.data = null;
      }
    }
    return events;
  }

  field(line) {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (name === 'event') this.name = value;
    if (name === 'data') this.data = this.data === null ? value : `${this.data}\n${value}`;
  }
}

// What goes wrong with a run: `kind` is 'refused' (an answer that is no stream), 'failed' (an error event), 'cut' (a stream
// without an end), 'unreachable' or 'stopped'.
class RunFailure extends Error {
  constructor(kind, message, details = {}) {
    super(message);
    this.kind = kind;
    Object.assign(this, details);
  }
}

// Why a response that is no stream was given, with the list of a 422 as `problems`.
async function refusal(response) {
  const text = await response.text().catch(() => '');
  let detail = text;
  let message = '';
  try {
    const body = JSON.parse(text);
    if (isObject(body)) {
      detail = body.detail;
      if (typeof body.message === 'string') message = body.message;
    }
  } catch {
    // Plain text, then.
  }
  const problems = Array.isArray(detail) ? detail.filter((problem) => isObject(problem) && Array.isArray(problem.loc)) : [];
  if (message === '') {
    if (typeof detail === 'string') message = detail;
    else if (problems.length > 0) message = 'The request was not accepted; see the marked fields.';
    else message = detail === undefined ? response.statusText : JSON.stringify(detail);
  }
  const wait = response.headers.get('retry-after');
  if (wait !== null) message += ` Try again after ${/^\d+$/.test(wait) ? `${wait} s` : wait}.`;
  return new RunFailure('refused', message.trim(), { status: response.status, problems });
}

// Posts a run and hands each event dictionary to `onEvent`. Returns after the end event; throws a RunFailure otherwise.
async function streamEvents(url, body, signal, onEvent) {
  let response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw new RunFailure('stopped', 'Stopped.');
    throw new RunFailure('unreachable', 'The server cannot be reached.');
  }
  if (!response.ok) throw await refusal(response);
  if (!(response.headers.get('content-type') ?? '').includes('text/event-stream')) {
    throw new RunFailure('refused', 'The server answered with something else than an event stream.', { status: response.status });
  }
  const decoder = new EventDecoder();
  const reader = response.body.getReader();
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch {
      if (signal.aborted) throw new RunFailure('stopped', 'Stopped.');
      throw new RunFailure('cut', 'The connection broke before the end. What is shown is incomplete.');
    }
    if (signal.aborted) throw new RunFailure('stopped', 'Stopped.');
    if (part.done) throw new RunFailure('cut', 'The stream stopped before its end. What is shown is incomplete.');
    for (const event of decoder.push(part.value)) {
      if (event.name === 'end') {
        reader.cancel().catch(() => {});
        return;
      }
      if (event.name === 'error') throw failure(event.data);
      if (event.name === 'data' && event.data !== null) {
        let dictionary;
        try {
          dictionary = JSON.parse(event.data);
        } catch {
          reader.cancel().catch(() => {});
          throw new RunFailure('failed', 'The server sent an event that is not JSON.');
        }
        if (isObject(dictionary)) onEvent(dictionary);
      }
    }
  }
}

function failure(data) {
  try {
    const { status_code: status, message } = JSON.parse(data);
    return new RunFailure('failed', String(message), { status });
  } catch {
    return new RunFailure('failed', data ?? 'The run failed.');
  }
}
// Forms from JSON Schema. An editor is {element, read(), write(value), fail(loc, message), clear()}: `read` gives the value, or
// undefined where the field is left out, and throws an InputError for what is no value; `write` says whether the editor can show
// the value; `fail` marks the field at a path inside the value.

// `mark` shows the message at its field and gives the control.
class InputError extends Error {
  constructor(message, mark) {
    super(message);
    this.mark = mark;
  }
}

let controls = 0;

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function say(element) {
  element.dispatchEvent(new Event('input', { bubbles: true }));
}

// A labelled control with its help and its error.
function field(label, control, { help, required, hint } = {}) {
  controls += 1;
  const id = `f${controls}`;
  control.id = id;
  const error = make('p', { class: 'field-error', id: `${id}-error`, hidden: true });
  const described = [];
  const element = make('div', { class: control.type === 'checkbox' ? 'field check' : 'field' });
  const name = make('label', { for: id }, label);
  if (hint) name.append(' ', make('span', { class: 'hint' }, hint));
  if (required) control.setAttribute('aria-required', 'true');
  if (control.type === 'checkbox') element.append(control, name);
  else element.append(name, control);
  if (help) {
    element.append(make('p', { class: 'help', id: `${id}-help` }, help));
    described.push(`${id}-help`);
  }
  element.append(error);
  const describe = (ids) => {
    if (ids.length > 0) control.setAttribute('aria-describedby', ids.join(' '));
    else control.removeAttribute('aria-describedby');
  };
  describe(described);
  return {
    element,
    fail(message) {
      // Several problems at one field are the variants that a value is not; the first is the one people meant.
      if (!error.hidden) return control;
      error.textContent = message;
      error.hidden = false;
      control.setAttribute('aria-invalid', 'true');
      describe([...described, error.id]);
      return control;
    },
    clear() {
      error.hidden = true;
      control.removeAttribute('aria-invalid');
      describe(described);
    },
  };
}

class Schemas {
  constructor(root) {
    this.root = root;
  }

  // What `schema` refers to, and the one variant of it that is not null.
  resolve(schema, depth = 0) {
    if (!isObject(schema) || depth > 16) return {};
    const { $ref: reference, ...rest } = schema;
    if (typeof reference === 'string') {
      return this.resolve({ ...this.lookUp(reference), ...rest }, depth + 1);
    }
    if (Array.isArray(schema.allOf) && schema.allOf.length === 1) {
      const { allOf, ...others } = schema;
      return this.resolve({ ...this.resolve(allOf[0], depth + 1), ...others }, depth + 1);
    }
    const variants = this.variants(schema);
    if (variants !== null) {
      const real = variants.filter((variant) => variant.type !== 'null');
      if (real.length === 1) {
        const { anyOf, oneOf, ...others } = schema;
        return { ...this.resolve(real[0], depth + 1), ...others, nullable: real.length < variants.length };
      }
    }
    return schema;
  }

  variants(schema) {
    const list = schema.anyOf ?? schema.oneOf;
    return Array.isArray(list) && list.length > 0 ? list : null;
  }

  lookUp(reference) {
    if (!reference.startsWith('#')) return {};
    let place = this.root;
    for (const part of reference.slice(1).split('/').filter((part) => part !== '')) {
      place = place?.[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    return isObject(place) ? place : {};
  }

  // Whether this is a list of chat messages.
  isMessageList(schema) {
    if (schema.type !== 'array') return false;
    const items = this.resolve(schema.items);
    return (this.variants(items) ?? [items]).some((item) => {
      const properties = this.resolve(item).properties;
      if (!isObject(properties) || !('content' in properties)) return false;
      const type = this.resolve(properties.type);
      const allowed = [type.const, type.default, ...(type.enum ?? [])];
      return allowed.includes('human') || isObject(properties.role);
    });
  }

  editor(schema, label, options = {}) {
    const { depth = 0 } = options;
    const resolved = this.resolve(schema);
    const about = { ...options, help: resolved.description, depth: depth + 1 };
    if (depth > 8) return jsonEditor(label, resolved, about);
    if (Array.isArray(resolved.enum) || 'const' in resolved) {
      return choiceEditor(label, resolved.enum ?? [resolved.const], resolved, about);
    }
    if (this.isMessageList(resolved)) return chatEditor(label, { ...about, takesText: false });
    const variants = this.variants(resolved);
    if (variants !== null) {
      const real = variants.map((variant) => this.resolve(variant)).filter((variant) => variant.type !== 'null');
      if (real.some((variant) => this.isMessageList(variant))) {
        return chatEditor(label, { ...about, takesText: real.some((variant) => variant.type === 'string') });
      }
      return variantEditor(this, label, real, resolved, about);
    }
    switch (resolved.type) {
      case 'string': return textEditor(label, resolved, about);
      case 'integer': case 'number': return numberEditor(label, resolved, about);
      case 'boolean': return booleanEditor(label, resolved, about);
      case 'object':
        if (isObject(resolved.properties) && Object.keys(resolved.properties).length > 0) {
          return objectEditor(this, label, resolved, about);
        }
        return jsonEditor(label, resolved, about);
      case 'array':
        if (isObject(resolved.items) && Object.keys(resolved.items).length > 0) {
          return listEditor(this, label, resolved, about);
        }
        return jsonEditor(label, resolved, about);
      default:
        if (depth === 0 && resolved.type === undefined) {
          const anything = [{ type: 'string', title: 'Text' }, { title: 'JSON', isRaw: true }];
          return variantEditor(this, label, anything, resolved, about);
        }
        return jsonEditor(label, resolved, about);
    }
  }
}

// Editors of one control: `parse` turns its text into a value, `format` back.
function leafEditor(label, control, schema, options, parse, format) {
  const place = field(label, control, options);
  const initial = Object.hasOwn(schema, 'default') ? schema.default : undefined;
  const editor = {
    element: place.element,
    read: () => {
      try {
        return parse(control);
      } catch (error) {
        throw new InputError(error.message, () => place.fail(error.message));
      }
    },
    write: (value) => format(control, value) !== false,
    fail: (loc, message) => place.fail(loc.length > 0 ? `${loc.join('.')}: ${message}` : message),
    clear: place.clear,
  };
  editor.write(initial);
  control.addEventListener('input', place.clear);
  control.addEventListener('change', place.clear);
  return editor;
}

function isLeftOut(control, schema, options) {
  return control.value === '' && (schema.nullable || !options.required);
}

function textEditor(label, schema, options) {
  const control = make('textarea', { rows: options.rows ?? 1, spellcheck: 'false' });
  // Emptied is not the same as left out where there is a text by default.
  const isOptional = typeof schema.default !== 'string' || schema.default === '';
  return leafEditor(label, control, schema, options, () => {
    if (isOptional && isLeftOut(control, schema, options)) return undefined;
    return control.value;
  }, (_, value) => {
    if (value !== undefined && value !== null && typeof value !== 'string') return false;
    control.value = value ?? '';
    return true;
  });
}

function numberEditor(label, schema, options) {
  const control = make('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off' });
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const high = schema.maximum ?? schema.exclusiveMaximum;
  if (typeof schema.default === 'number') control.placeholder = `${schema.default} by default`;
  let hint;
  if (low !== undefined && high !== undefined) hint = `${low} to ${high}`;
  else if (low !== undefined) hint = `from ${low}`;
  else if (high !== undefined) hint = `up to ${high}`;
  return leafEditor(label, control, schema, { hint, ...options }, () => {
    const text = control.value.trim();
    if (text === '') {
      if (isLeftOut(control, schema, options)) return undefined;
      throw new Error('A number is needed.');
    }
    const value = Number(text);
    if (!Number.isFinite(value)) throw new Error('This is not a number.');
    if (schema.type === 'integer' && !Number.isInteger(value)) throw new Error('This is not a whole number.');
    return value;
  }, (_, value) => {
    if (value !== undefined && value !== null && typeof value !== 'number') return false;
    control.value = value ?? '';
    return true;
  });
}

function booleanEditor(label, schema, options) {
  if (schema.nullable || (!options.required && schema.default === undefined)) {
    return choiceEditor(label, [true, false], schema, options);
  }
  const control = make('input', { type: 'checkbox' });
  return leafEditor(label, control, schema, options, () => control.checked, (_, value) => {
    if (value !== undefined && typeof value !== 'boolean') return false;
    control.checked = value === true;
    return true;
  });
}

function choiceEditor(label, values, schema, options) {
  const control = make('select');
  const isOptional = schema.default === undefined && (!options.required || schema.nullable);
  const choices = isOptional ? [undefined, ...values] : values;
  for (const [place, value] of choices.entries()) {
    const text = value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value);
    control.append(make('option', { value: place }, text));
  }
  return leafEditor(label, control, schema, options, () => choices[Number(control.value)], (_, value) => {
    const place = choices.findIndex((choice) => isEqual(choice, value ?? undefined));
    if (place < 0 && value !== undefined && value !== null) return false;
    control.value = String(Math.max(place, 0));
    return true;
  });
}

function jsonEditor(label, schema, options) {
  const control = make('textarea', { rows: options.rows ?? 3, class: 'code', spellcheck: 'false' });
  return leafEditor(label, control, schema, { hint: 'JSON', ...options }, () => {
    if (control.value.trim() === '' && !options.required) return undefined;
    try {
      return JSON.parse(control.value);
    } catch {
      throw new Error('This is not valid JSON.');
    }
  }, (_, value) => {
    control.value = value === undefined ? '' : JSON.stringify(value, null, 2);
    return true;
  });
}

function group(label, options) {
  const error = make('p', { class: 'field-error', hidden: true });
  const element = make('fieldset', {}, make('legend', { class: options.isPlain ? 'visually-hidden' : null }, label));
  if (options.isPlain) element.classList.add('plain');
  if (options.help) element.append(make('p', { class: 'help' }, options.help));
  return {
    element,
    error,
    fail(loc, message) {
      error.textContent = loc.length > 0 ? `${loc.join('.')}: ${message}` : message;
      error.hidden = false;
      element.tabIndex = -1;
      return element;
    },
    clear() {
      error.hidden = true;
    },
  };
}

function objectEditor(schemas, label, schema, options) {
  const frame = group(label, options);
  const needed = new Set(schema.required ?? []);
  const editors = new Map();
  const rows = Object.keys(schema.properties).length > 1 ? Math.min(options.rows ?? 1, 2) : options.rows;
  for (const [name, property] of Object.entries(schema.properties)) {
    const required = needed.has(name);
    const title = schemas.resolve(property).title ?? name;
    const editor = schemas.editor(property, title, { depth: options.depth, required, rows });
    editors.set(name, editor);
    frame.element.append(editor.element);
  }
  frame.element.append(frame.error);
  return {
    element: frame.element,
    editors,
    read() {
      const value = {};
      for (const [name, editor] of editors) {
        const part = editor.read();
        if (part !== undefined) value[name] = part;
      }
      return Object.keys(value).length === 0 && options.required === false ? undefined : value;
    },
    write(value) {
      if (value !== undefined && value !== null && !isObject(value)) return false;
      if (isObject(value) && Object.keys(value).some((name) => !editors.has(name))) return false;
      let isShown = true;
      for (const [name, editor] of editors) {
        const part = isObject(value) && name in value ? value[name] : schemas.resolve(schema.properties[name]).default;
        isShown = editor.write(part) && isShown;
      }
      return isShown;
    },
    fail(loc, message) {
      return editors.has(loc[0]) ? editors.get(loc[0]).fail(loc.slice(1), message) : frame.fail(loc, message);
    },
    clear() {
      frame.clear();
      for (const editor of editors.values()) editor.clear();
    },
  };
}

function listEditor(schemas, label, schema, options) {
  const frame = group(label, options);
  const items = [];
  const list = make('div', { class: 'items' });
  const adder = make('button', { type: 'button', class: 'small' }, 'Add item');
  frame.element.append(list, adder, frame.error);
  const add = (value) => {
    const editor = schemas.editor(schema.items, `Item ${items.length + 1}`, { depth: options.depth, required: true });
    const remover = make('button', { type: 'button', class: 'small' }, 'Remove');
    remover.setAttribute('aria-label', `Remove item ${items.length + 1} of ${label}`);
    const row = make('div', { class: 'item' }, editor.element, remover);
    const item = { editor, row };
    remover.addEventListener('click', () => {
      items.splice(items.indexOf(item), 1);
      row.remove();
      adder.focus();
      say(list);
    });
    items.push(item);
    list.append(row);
    return value === undefined || editor.write(value);
  };
  adder.addEventListener('click', () => {
    add();
    list.lastElementChild.querySelector('input, textarea, select, button')?.focus();
    say(list);
  });
  const editor = {
    element: frame.element,
    read() {
      if (items.length === 0 && !options.required && !Array.isArray(schema.default)) return undefined;
      return items.map((item) => item.editor.read());
    },
    write(value) {
      if (value !== undefined && value !== null && !Array.isArray(value)) return false;
      items.length = 0;
      list.replaceChildren();
      return (value ?? []).map(add).every(Boolean);
    },
    fail(loc, message) {
      const item = items[loc[0]];
      return item ? item.editor.fail(loc.slice(1), message) : frame.fail(loc, message);
    },
    clear() {
      frame.clear();
      for (const item of items) item.editor.clear();
    },
  };
  editor.write(schema.default);
  return editor;
}

// One of several schemas; the choice is a select before the editor.
function variantEditor(schemas, label, variants, schema, options) {
  const frame = group(label, options);
  const select = make('select');
  for (const [place, variant] of variants.entries()) {
    select.append(make('option', { value: place }, variant.title ?? variant.type ?? `Form ${place + 1}`));
  }
  const choice = field('Kind', select);
  const body = make('div');
  frame.element.append(choice.element, body, frame.error);
  let editor = null;
  const show = (place) => {
    select.value = String(place);
    const variant = variants[place];
    const about = { ...options, help: undefined, isPlain: true, required: options.required ?? true };
    const name = variant.title ?? label;
    editor = variant.isRaw ? jsonEditor(name, {}, about) : schemas.editor(variant, name, about);
    body.replaceChildren(editor.element);
  };
  select.addEventListener('change', () => show(Number(select.value)));
  show(0);
  const write = (value) => {
    if (value === undefined || value === null) {
      show(0);
      return true;
    }
    return variants.some((_, place) => {
      show(place);
      return editor.write(value);
    });
  };
  if (schema.default !== undefined) write(schema.default);
  return {
    element: frame.element,
    read: () => editor.read(),
    write,
    fail: (loc, message) => editor.fail(loc, message),
    clear() {
      frame.clear();
      editor.clear();
    },
  };
}
// The input of a chat model: one message, or a conversation.

const ROLES = [['system', 'System'], ['human', 'Human'], ['ai', 'AI']];
const ROLE_ALIASES = { user: 'human', assistant: 'ai' };

function chatEditor(label, options) {
  const frame = group(label, { ...options, isPlain: true });
  const text = make('textarea', { rows: 4, class: 'grow', placeholder: 'Say something' });
  const single = field('Message', text);
  const rows = [];
  const list = make('ol', { class: 'messages', 'aria-label': 'Messages' });
  const adder = make('button', { type: 'button', class: 'small' }, 'Add message');
  const conversation = make('div', { hidden: true }, list, adder);
  const mode = make('button', { type: 'button', class: 'link' });
  frame.element.append(single.element, conversation);
  if (options.takesText) frame.element.append(mode);
  frame.element.append(frame.error);

  const renumber = () => {
    for (const [place, row] of rows.entries()) {
      row.role.setAttribute('aria-label', `Role of message ${place + 1}`);
      row.text.setAttribute('aria-label', `Text of message ${place + 1}`);
      row.remover.setAttribute('aria-label', `Remove message ${place + 1}`);
    }
  };
  const add = (role, content) => {
    const row = {
      role: make('select', {}, ...ROLES.map(([value, name]) => make('option', { value }, name))),
      text: make('textarea', { rows: 2 }),
      remover: make('button', { type: 'button', class: 'small' }, 'Remove'),
      error: make('p', { class: 'field-error', hidden: true }),
    };
    controls += 1;
    row.error.id = `m${controls}-error`;
    row.role.value = role;
    row.text.value = content;
    row.element = make('li', {}, make('div', { class: 'message-head' }, row.role, row.remover), row.text, row.error);
    row.clear = () => {
      row.error.hidden = true;
      row.text.removeAttribute('aria-invalid');
      row.text.removeAttribute('aria-describedby');
    };
    row.text.addEventListener('input', row.clear);
    row.remover.addEventListener('click', () => {
      rows.splice(rows.indexOf(row), 1);
      row.element.remove();
      renumber();
      adder.focus();
      say(list);
    });
    rows.push(row);
    list.append(row.element);
    renumber();
    return row;
  };
  const show = (isConversation) => {
    conversation.hidden = !isConversation;
    single.element.hidden = isConversation;
    mode.textContent = isConversation ? 'Use a single message' : 'Write a conversation';
  };
  const messages = () => rows.map((row) => ({ type: row.role.value, content: row.text.value }));
  adder.addEventListener('click', () => {
    add(rows.at(-1)?.role.value === 'human' ? 'ai' : 'human', '').text.focus();
    say(list);
  });
  mode.addEventListener('click', () => {
    const toConversation = conversation.hidden;
    if (toConversation) {
      if (rows.length === 0) add('human', text.value);
    } else {
      text.value = rows.findLast((row) => row.role.value === 'human')?.text.value ?? '';
      rows.length = 0;
      list.replaceChildren();
    }
    show(toConversation);
    (toConversation ? rows[0]?.text ?? adder : text).focus();
    say(frame.element);
  });
  text.addEventListener('input', single.clear);
  show(!options.takesText);
  if (!options.takesText && options.required) add('human', '');

  return {
    element: frame.element,
    canContinue: true,
    read() {
      if (conversation.hidden) return text.value;
      return rows.length === 0 && !options.required && !options.takesText ? undefined : messages();
    },
    write(value) {
      rows.length = 0;
      list.replaceChildren();
      if (value === undefined || value === null || (typeof value === 'string' && options.takesText)) {
        text.value = value ?? '';
        show(!options.takesText);
        return true;
      }
      const known = new Set(ROLES.map(([role]) => role));
      const readable = (message) => isObject(message) && typeof message.content === 'string'
        && known.has(ROLE_ALIASES[message.type] ?? message.type)
        && Object.keys(message).every((key) => key === 'type' || key === 'content');
      if (!Array.isArray(value) || !value.every(readable)) return false;
      for (const message of value) add(ROLE_ALIASES[message.type] ?? message.type, message.content);
      show(true);
      return true;
    },
    // Behind an answer: the conversation so far, and room for the next message.
    continue(answer) {
      if (conversation.hidden) {
        add('human', text.value);
        text.value = '';
        show(true);
      }
      add('ai', answer);
      add('human', '').text.focus();
      say(list);
    },
    fail(loc, message) {
      const place = loc.find((part) => Number.isInteger(part));
      if (conversation.hidden) return single.fail(message);
      const row = rows[place];
      if (row === undefined) return frame.fail([], message);
      row.error.textContent = message;
      row.error.hidden = false;
      row.text.setAttribute('aria-invalid', 'true');
      row.text.setAttribute('aria-describedby', row.error.id);
      return row.text;
    },
    clear() {
      frame.clear();
      single.clear();
      for (const row of rows) row.clear();
    },
  };
}
// What one run looked like: its output, its steps and its times, from the events in the order of their arrival.

const MAXIMUM_STEPS = 500;

class Run {
  constructor(now) {
    this.started = now;
    this.finished = null;
    this.rootID = null;
    this.rootName = '';
    this.output = undefined;
    this.steps = new Map();
    this.leftOut = 0;
    this.modelChunks = { count: 0, first: null, last: null };
    this.rootChunks = { count: 0, first: null, last: null };
    this.usage = new Map();
  }

  take(event, now) {
    const data = isObject(event.data) ? event.data : {};
    const [, type, phase] = /^on_(.+)_(start|stream|end|error)$/.exec(event.event ?? '') ?? [];
    if (event.event === 'on_custom_event') {
      this.step(event, 'event', now, { output: event.data, ended: now, key: `custom ${this.steps.size}` });
      return;
    }
    if (type === undefined) return;
    if (this.rootID === null) {
      this.rootID = event.run_id;
      this.rootName = event.name ?? '';
    }
    const isRoot = event.run_id === this.rootID;
    const step = this.steps.get(event.run_id) ?? this.step(event, type, now);
    if (data.input !== undefined && step.input === undefined) step.input = data.input;
    if (phase === 'stream') this.stream(step, type, isRoot, data.chunk, now);
    if (phase === 'end' || phase === 'error') {
      step.ended = now;
      step.isFailed = phase === 'error';
      step.output = phase === 'error' ? data.error : data.output ?? step.output;
      if (isObject(data.output?.usage_metadata)) this.usage.set(event.run_id, data.output.usage_metadata);
      if (isRoot && phase === 'end' && data.output !== undefined) this.output = data.output;
    }
  }

  step(event, type, now, more = {}) {
    const depth = Array.isArray(event.parent_ids) ? event.parent_ids.length : 0;
    const step = {
      id: event.run_id,
      name: event.name ?? '',
      type,
      depth,
      tags: Array.isArray(event.tags) ? event.tags : [],
      started: now,
      ended: null,
      isFailed: false,
      ...more,
    };
    if (this.steps.size < MAXIMUM_STEPS) this.steps.set(step.key ?? step.id, step);
    else this.leftOut += 1;
    return step;
  }

  stream(step, type, isRoot, chunk, now) {
    step.output = addChunks(step.output, chunk);
    if (isRoot) this.output = addChunks(this.output, chunk);
    const hasContent = isMessage(chunk)
      ? textOf(chunk) !== '' || (chunk.tool_call_chunks ?? []).length > 0
      : chunk !== null && chunk !== undefined && chunk !== '';
    if (!hasContent) return;
    const count = (chunks) => {
      chunks.count += 1;
      chunks.first ??= now;
      chunks.last = now;
    };
    if (type === 'chat_model' || type === 'llm') count(this.modelChunks);
    if (isRoot) count(this.rootChunks);
  }

  // Times in milliseconds, null while unknown. Tokens are the model's own count where it gives one, else its chunks.
  metrics(now) {
    const chunks = this.modelChunks.count > 0 ? this.modelChunks : this.rootChunks;
    let reported = null;
    for (const usage of this.usage.values()) {
      if (Number.isFinite(usage.output_tokens)) reported = (reported ?? 0) + usage.output_tokens;
    }
    const tokens = reported ?? chunks.count;
    const span = chunks.first === null ? 0 : chunks.last - chunks.first;
    return {
      first: chunks.first === null ? null : chunks.first - this.started,
      tokens: chunks.count === 0 && reported === null ? null : tokens,
      isReported: reported !== null,
      rate: tokens > 1 && span > 0 ? ((tokens - 1) * 1000) / span : null,
      total: (this.finished ?? now) - this.started,
    };
  }

  // The root is shown as output; as a step only where it has no others.
  visibleSteps() {
    const all = [...this.steps.values()];
    const inner = all.filter((step) => step.id !== this.rootID);
    return inner.length > 0 ? inner : all;
  }
}

// A list of steps as disclosures, changed in place so that what is open or focused stays so.
class StepList {
  constructor(list) {
    this.list = list;
    this.shown = new Map();
  }

  clear() {
    this.shown.clear();
    this.list.replaceChildren();
  }

  show(run, isOver) {
    const steps = run.visibleSteps();
    const wanted = new Set(steps);
    for (const [step, view] of this.shown) {
      if (!wanted.has(step)) {
        view.element.remove();
        this.shown.delete(step);
      }
    }
    for (const step of steps) {
      let view = this.shown.get(step);
      if (view === undefined) {
        view = this.view(step);
        this.shown.set(step, view);
        this.list.append(view.element);
      }
      view.update(isOver);
    }
  }

  view(step) {
    const time = make('span', { class: 'step-time' });
    const body = make('div', { class: 'step-body' });
    const details = make('details', {}, make('summary', {},
      make('span', { class: 'step-name' }, step.name || step.type), make('span', { class: 'tag' }, step.type.replaceAll('_', ' ')), time), body);
    const part = (name, value) => {
      const { text, calls } = presentation(value);
      const shown = transcript(value) ?? [text, ...(calls.length > 0 ? [JSON.stringify(calls, null, 2)] : [])].join('\n').trimStart();
      body.append(make('h3', {}, name), make('pre', { tabindex: '0', 'aria-label': `${name} of ${step.name}` }, shown));
    };
    let isWritten = false;
    const write = () => {
      if (!details.open || isWritten) return;
      body.replaceChildren();
      if (step.input !== undefined) part('Input', step.input);
      if (step.output !== undefined) part(step.isFailed ? 'Error' : 'Output', step.output);
      const more = step.id ? `run ${step.id}${step.tags.length > 0 ? ` · ${step.tags.join(', ')}` : ''}` : '';
      body.append(make('p', { class: 'help' }, more));
      isWritten = true;
    };
    details.addEventListener('toggle', write);
    const element = make('li', { class: `depth-${Math.min(Math.max(step.depth, 1), 6)}` }, details);
    return {
      element,
      update(isOver) {
        let text = 'running';
        if (step.ended !== null) text = seconds(step.ended - step.started);
        else if (isOver) text = 'not finished';
        if (step.isFailed) text += ', failed';
        if (time.textContent !== text) {
          time.textContent = text;
          isWritten = false;
        }
        write();
      },
    };
  }
}

// Speaks to screen readers: changes of state at once, the streamed text in whole sentences and not too often.
class Announcer {
  constructor(region) {
    this.region = region;
    this.clear();
  }

  clear() {
    this.spoken = 0;
    this.last = 0;
  }

  say(text) {
    this.region.textContent = text;
  }

  stream(text, now) {
    if (now - this.last < 4000) return;
    const fresh = text.slice(this.spoken);
    const end = Math.max(...['. ', '! ', '? ', '\n', '。'].map((mark) => fresh.lastIndexOf(mark)));
    if (end < 0) return;
    this.say(fresh.slice(0, end + 1));
    this.spoken += end + 1;
    this.last = now;
  }

  // The rest of the text behind what was said, as far as one wants to listen.
  finish(message, text) {
    const rest = text.slice(this.spoken);
    this.say(rest.length > 1000 ? `${message} ${rest.slice(0, 1000)} … The whole output is in the output region.` : `${message} ${rest}`);
  }
}
// The page: where it is, what it asks the server, and what its controls do.

const place = /^(.*?)(?:\/c\/([^/]*))?\/playground\/[^/]*$/.exec(location.pathname) ?? ['', '', undefined];
const base = place[1];
const hash = place[2];
const find = (id) => document.getElementById(id);
const shared = sharedConfig();
const announcer = new Announcer(find('announcer'));
const stepList = new StepList(find('steps'));
let inputEditor = null;
let configEditor = null;
let configDefaults = {};
// What the link sets and no field shows.
const carried = isObject(shared.configurable) ? { ...shared.configurable } : {};
let isRawInput = false;
let rawEditor = null;
let running = null;
let run = null;

function sharedConfig() {
  if (hash === undefined) return {};
  try {
    const config = JSON.parse(LZString.decompress(decodeURIComponent(hash)));
    return isObject(config) ? config : {};
  } catch {
    return {}; // The server says what is wrong with it.
  }
}

// MARK: Schemas

async function schema(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

async function load() {
  const name = base === '' ? '/' : base;
  document.title = `${name} · Headgate playground`;
  find('route').textContent = name;
  find('shared').hidden = hash === undefined;
  const variant = hash === undefined ? base : `${base}/c/${hash}`;
  try {
    // Defaults are the route's own, so the plain schema; what the link changes is filled in from its hash.
    const [input, config, output] = await Promise.all([
      schema(`${variant}/input_schema`), schema(`${base}/config_schema`), schema(`${variant}/output_schema`),
    ]);
    buildInput(input);
    buildConfig(config);
    find('output-type').textContent = typeName(output);
  } catch (error) {
    find('load-error').hidden = false;
    find('load-error-text').textContent = error instanceof RunFailure
      ? `The route's schemas were refused: ${error.message} (status ${error.status})` : 'The route’s schemas cannot be read.';
    find('run').setAttribute('aria-disabled', 'true');
  }
  document.body.dataset.ready = 'true';
  showRequest();
}

function typeName(output) {
  const resolved = new Schemas(output).resolve(output);
  const isMessage = isObject(resolved.properties) && 'content' in resolved.properties && 'type' in resolved.properties;
  if (isMessage || resolved.anyOf || resolved.oneOf) return 'message';
  if (typeof resolved.type === 'string') return resolved.type === 'string' ? 'text' : resolved.type;
  return '';
}

function buildInput(input) {
  inputEditor = new Schemas(input).editor(input, 'Input', { required: true, isPlain: true, rows: 3 });
  rawEditor = jsonEditor('Input', {}, { required: true, rows: 10 });
  find('input').replaceChildren(inputEditor.element);
}

function buildConfig(config) {
  const schemas = new Schemas(config);
  const configurable = isObject(config.properties) ? schemas.resolve(config.properties.configurable) : {};
  if (!isObject(configurable.properties) || Object.keys(configurable.properties).length === 0) return;
  configEditor = schemas.editor(configurable, 'Configuration', { isPlain: true, required: false });
  configDefaults = configEditor.read() ?? {};
  find('config').append(configEditor.element);
  find('config-section').hidden = false;
  for (const [key, value] of Object.entries(carried)) {
    if (configEditor.editors.get(key)?.write(value)) delete carried[key];
  }
}

// MARK: What is on screen

function inputValue() {
  const value = (isRawInput ? rawEditor : inputEditor).read();
  return value === undefined ? null : value;
}

// What differs from the route's defaults, with what else the link carries.
function configValue() {
  const config = { ...shared };
  const changed = { ...carried };
  for (const [key, value] of Object.entries(configEditor?.read() ?? {})) {
    if (!isEqual(value, configDefaults[key])) changed[key] = value;
  }
  delete config.configurable;
  if (Object.keys(changed).length > 0) config.configurable = changed;
  return config;
}

function requestBody() {
  const body = { input: inputValue() };
  const config = configValue();
  if (Object.keys(config).length > 0) body.config = config;
  return body;
}

// The curl line and the link. While a field holds no value they stay as they were.
function showRequest() {
  if (inputEditor === null) return;
  let body;
  try {
    body = requestBody();
  } catch (error) {
    if (error instanceof InputError) return;
    throw error;
  }
  find('curl').textContent = `curl -N ${shellQuoted(`${location.origin}${base}/stream`)} \\\n  -H 'content-type: application/json' \\\n  -d ${shellQuoted(JSON.stringify(body))}`;
  const config = body.config ?? {};
  const variant = Object.keys(config).length === 0 ? '' : `/c/${LZString.compress(JSON.stringify(config))}`;
  find('link').value = `${location.origin}${base}${variant}/playground/`;
}

function toggleRaw() {
  const to = isRawInput ? inputEditor : rawEditor;
  let value;
  try {
    value = inputValue();
  } catch {
    if (isRawInput) return;
  }
  if (to.write(value) === false) {
    rawEditor.fail([], 'The form cannot show this value; it stays as JSON.').focus();
    return;
  }
  isRawInput = !isRawInput;
  find('input').replaceChildren(to.element);
  find('raw').setAttribute('aria-pressed', String(isRawInput));
  showRequest();
}

// MARK: Running

const STATES = {
  idle: 'Ready', running: 'Running', done: 'Finished', stopped: 'Stopped', failed: 'Failed', cut: 'Cut off', refused: 'Refused', unreachable: 'Unreachable',
};

function setState(state) {
  find('state').textContent = STATES[state];
  find('output-section').dataset.state = state;
  const isRunning = state === 'running';
  find('output').setAttribute('aria-busy', String(isRunning));
  find('run').setAttribute('aria-disabled', String(isRunning));
  find('stop').setAttribute('aria-disabled', String(!isRunning));
}

function showProblem(text) {
  find('problem').hidden = text === '';
  find('problem').textContent = text;
}

async function start() {
  if (running !== null || inputEditor === null) return;
  for (const editor of [inputEditor, rawEditor, configEditor]) editor?.clear();
  let body;
  try {
    body = requestBody();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    error.mark().focus();
    return;
  }
  const controller = new AbortController();
  running = controller;
  run = new Run(performance.now());
  stepList.clear();
  announcer.clear();
  announcer.say('Running.');
  showProblem('');
  setState('running');
  draw();
  const section = find('output-section');
  if (section.getBoundingClientRect().top > innerHeight - 100) section.scrollIntoView({ block: 'nearest' });
  let result = 'done';
  let problem = null;
  try {
    await streamEvents(`${base}/stream_events`, body, controller.signal, (event) => {
      run.take(event, performance.now());
      schedule();
    });
  } catch (error) {
    problem = error instanceof RunFailure ? error : new RunFailure('failed', `The page could not go on: ${error.message}`);
    result = problem.kind;
    controller.abort();
  }
  run.finished = performance.now();
  running = null;
  setState(result);
  draw();
  finish(result, problem);
}

function finish(result, problem) {
  const text = presentation(run.output).text;
  find('continue').hidden = !(result === 'done' && inputEditor.canContinue && !isRawInput && text !== '' && !presentation(run.output).isJSON);
  find('copy-output').hidden = run.output === undefined;
  if (problem === null) {
    const { tokens, total } = run.metrics(run.finished);
    announcer.finish(`Finished${tokens === null ? '' : `: ${tokens} tokens`} in ${seconds(total)}. Output:`, text);
    return;
  }
  if (result === 'stopped') {
    announcer.say('Stopped.');
    return;
  }
  showProblem(problem.status === undefined ? problem.message : `Status ${problem.status}: ${problem.message}`);
  announcer.say('');
  let first = null;
  for (const item of problem.problems ?? []) {
    const control = mark(item.loc, String(item.msg ?? 'This is not accepted.'));
    first ??= control;
  }
  first?.focus();
}

// Marks the field that a problem is about; `loc` is a path inside the input, or begins with "configurable".
function mark(loc, message) {
  let path = loc[0] === 'body' ? loc.slice(1) : loc;
  if (path[0] === 'config') path = path.slice(1);
  if (path[0] === 'configurable' && configEditor !== null) {
    find('config-details').open = true;
    return configEditor.fail(path.slice(1), message);
  }
  if (path[0] === 'input' && !inputEditor.editors?.has('input')) path = path.slice(1);
  return (isRawInput ? rawEditor : inputEditor).fail(path, message);
}

let isScheduled = false;

// Draws at the next frame. A page that is not seen has no frames; it is drawn when the run ends.
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    draw();
  });
}

function draw() {
  const now = performance.now();
  const metrics = run.metrics(now);
  find('first-token').textContent = metrics.first === null ? '–' : seconds(metrics.first);
  find('tokens').textContent = metrics.tokens ?? '–';
  find('tokens-kind').textContent = metrics.tokens === null ? '' : metrics.isReported ? 'reported' : 'counted';
  find('rate').textContent = metrics.rate === null ? '–' : metrics.rate.toFixed(metrics.rate < 10 ? 1 : 0);
  find('total').textContent = seconds(metrics.total);
  drawOutput(now);
  const steps = run.visibleSteps().length;
  find('step-count').textContent = steps === 0 ? '' : `${steps}${run.leftOut > 0 ? ` and ${run.leftOut} more` : ''}`;
  find('no-steps').hidden = steps > 0;
  stepList.show(run, running === null);
  find('run-id').textContent = run.rootID ?? '';
  find('run-id-line').hidden = run.rootID === null;
}

// Streamed text is appended to what is there, so that a selection stays.
function drawOutput(now) {
  const { text, isJSON, calls } = presentation(run.output);
  const output = find('output-text');
  output.classList.toggle('code', isJSON);
  const node = output.firstChild;
  if (node !== null && node.nodeType === Node.TEXT_NODE && text.startsWith(node.data)) {
    if (text.length > node.data.length) node.appendData(text.slice(node.data.length));
  } else {
    output.replaceChildren(text);
  }
  find('placeholder').hidden = text !== '' || calls.length > 0 || running !== null || run.output !== undefined;
  find('calls').hidden = calls.length === 0;
  find('calls-text').textContent = calls.length === 0 ? '' : JSON.stringify(calls, null, 2);
  if (running !== null && !isJSON) announcer.stream(text, now);
}

// MARK: Controls

async function copy(text, button) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages that came without TLS have no clipboard; they have this.
    const area = make('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    isCopied = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  const label = button.textContent;
  const say = isCopied ? 'Copied' : 'Not copied';
  announcer.say(`${say}.`);
  if (label === say) return;
  button.textContent = say;
  setTimeout(() => { button.textContent = label; }, 1500);
}

find('form').addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
find('form').addEventListener('input', showRequest);
find('form').addEventListener('change', showRequest);
find('stop').addEventListener('click', () => running?.abort());
find('raw').addEventListener('click', toggleRaw);
find('reset').addEventListener('click', () => {
  configEditor?.clear();
  for (const [key, editor] of configEditor?.editors ?? []) editor.write(configDefaults[key]);
  showRequest();
  announcer.say('Configuration reset.');
});
find('continue').addEventListener('click', () => {
  find('continue').hidden = true;
  inputEditor.continue(presentation(run.output).text);
});
find('copy-curl').addEventListener('click', (event) => copy(find('curl').textContent, event.currentTarget));
find('copy-link').addEventListener('click', (event) => copy(find('link').value, event.currentTarget));
find('copy-output').addEventListener('click', (event) => copy(presentation(run.output).text, event.currentTarget));
find('link').addEventListener('focus', (event) => event.currentTarget.select());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    start();
  } else if (event.key === 'Escape' && running !== null) {
    event.preventDefault();
    running.abort();
  }
});

load();
</script>
</body>
</html>

"""##
}
