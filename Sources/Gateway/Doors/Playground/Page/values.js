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
