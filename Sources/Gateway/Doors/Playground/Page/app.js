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
