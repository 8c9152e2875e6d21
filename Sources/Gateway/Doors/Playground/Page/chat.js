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
