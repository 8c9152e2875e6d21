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
