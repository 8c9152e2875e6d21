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
