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
