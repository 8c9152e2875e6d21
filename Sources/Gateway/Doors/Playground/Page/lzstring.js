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
