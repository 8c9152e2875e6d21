// Looking at values that Walk.hpp has checked, and scanning text that is to be written.
#include <simdjson.h>

#include <charconv>
#include <cstring>

#include "CSimdJSON.h"
#include "Walk.hpp"

namespace {

/// The code point of the escape at `at`, which is moved behind it. Lone surrogates give U+FFFD.
uint32_t decode_escape(const uint8_t *text, size_t length, size_t &at) {
    uint8_t c = text[at + 1];
    if (c != 'u') {
        at += 2;
        switch (c) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return c;
        }
    }
    int32_t unit = csj::hex4(text + at + 2);
    at += 6;
    if ((unit & 0xF800) != 0xD800) return uint32_t(unit);
    if (csj::is_high_surrogate(unit) && length - at >= 6 && text[at] == '\\' && text[at + 1] == 'u') {
        int32_t low = csj::hex4(text + at + 2);
        if (csj::is_low_surrogate(low)) {
            at += 6;
            return 0x10000 + (uint32_t(unit & 0x3FF) << 10 | uint32_t(low & 0x3FF));
        }
    }
    return 0xFFFD;
}

/// Writes at most four bytes and returns how many.
size_t encode_utf8(uint32_t code, uint8_t *out) {
    if (code < 0x80) {
        out[0] = uint8_t(code);
        return 1;
    }
    if (code < 0x800) {
        out[0] = uint8_t(0xC0 | code >> 6);
        out[1] = uint8_t(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = uint8_t(0xE0 | code >> 12);
        out[1] = uint8_t(0x80 | (code >> 6 & 0x3F));
        out[2] = uint8_t(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = uint8_t(0xF0 | code >> 18);
    out[1] = uint8_t(0x80 | (code >> 12 & 0x3F));
    out[2] = uint8_t(0x80 | (code >> 6 & 0x3F));
    out[3] = uint8_t(0x80 | (code & 0x3F));
    return 4;
}

/// Bytes from `at` to the next backslash, which is often near: looks at a few bytes before it calls memchr.
size_t run_length(const uint8_t *text, size_t length, size_t at) {
    size_t near = length - at < 8 ? length : at + 8;
    for (size_t i = at; i < near; i++) {
        if (text[i] == '\\') return i - at;
    }
    auto *found = static_cast<const uint8_t *>(std::memchr(text + near, '\\', length - near));
    return (found == nullptr ? length : size_t(found - text)) - at;
}

/// U+0085 is C2 85, U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
bool is_separator(const uint8_t *text, size_t length, size_t at) {
    if (text[at] == 0xC2) return length - at >= 2 && text[at + 1] == 0x85;
    return text[at] == 0xE2 && length - at >= 3 && text[at + 1] == 0x80 && (text[at + 2] | 1) == 0xA9;
}

typedef uint8_t Lane __attribute__((vector_size(16)));
constexpr size_t kLane = sizeof(Lane);

Lane load(const uint8_t *text) {
    Lane lane;
    std::memcpy(&lane, text, kLane);
    return lane;
}

typedef int8_t Mask __attribute__((vector_size(16)));

/// All bits of each byte that may need an escape: the separators by their first byte and, in `Strings`, control characters,
/// quotes and backslashes.
template <bool Strings> Mask suspects(Lane v) {
    auto suspect = (v == 0xC2) | (v == 0xE2);
    if constexpr (Strings) suspect |= (v < 0x20) | (v == '"') | (v == '\\');
    return Mask(suspect);
}

/// Index of the first byte set, or kLane.
size_t first(Mask mask) {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");
    uint64_t halves[2];
    std::memcpy(halves, &mask, kLane);
    if (halves[0] != 0) return size_t(__builtin_ctzll(halves[0])) / 8;
    if (halves[1] != 0) return size_t(__builtin_ctzll(halves[1])) / 8 + 8;
    return kLane;
}

template <bool Strings> size_t first_suspect(Lane v) { return first(suspects<Strings>(v)); }

constexpr size_t kBlock = 4 * kLane;

/// Copies whole blocks until one has a suspect; returns how many bytes those are.
template <bool Strings> size_t copy_plain_blocks(const uint8_t *text, size_t length, uint8_t *out) {
    size_t at = 0;
    while (length - at >= kBlock) {
        const uint8_t *block = text + at;
        Lane a = load(block), b = load(block + kLane), c = load(block + 2 * kLane), d = load(block + 3 * kLane);
        if (first(suspects<Strings>(a) | suspects<Strings>(b) | suspects<Strings>(c) | suspects<Strings>(d)) != kLane) break;
        std::memcpy(out + at, block, kBlock);
        at += kBlock;
    }
    return at;
}

/// Whether the byte at `at` begins something that must be escaped.
template <bool Strings> bool needs_escape(const uint8_t *text, size_t length, size_t at) {
    uint8_t c = text[at];
    if (Strings && (c < 0x20 || c == '"' || c == '\\')) return true;
    return c >= 0xC2 && is_separator(text, length, at);
}

/// Writes the escape of what begins at `at`, which is moved behind it, and returns the bytes written: at most kLongestEscape.
constexpr size_t kLongestEscape = 6;
size_t escape(const uint8_t *text, size_t &at, uint8_t *out) {
    uint8_t c = text[at];
    uint32_t code = c;
    at += 1;
    out[0] = '\\';
    switch (c) {
    case '"': case '\\': out[1] = c; return 2;
    case '\b': out[1] = 'b'; return 2;
    case '\f': out[1] = 'f'; return 2;
    case '\n': out[1] = 'n'; return 2;
    case '\r': out[1] = 'r'; return 2;
    case '\t': out[1] = 't'; return 2;
    case 0xC2:
        code = 0x85;
        at += 1;
        break;
    case 0xE2:
        code = text[at + 1] == 0xA8 ? 0x2028 : 0x2029;
        at += 2;
        break;
    default: break;
    }
    out[1] = 'u';
    for (int digit = 0; digit < 4; digit++) out[2 + digit] = uint8_t("0123456789abcdef"[code >> (12 - 4 * digit) & 15]);
    return kLongestEscape;
}

template <bool Strings> csj_escaped escape_all(const uint8_t *text, size_t length, uint8_t *out, size_t room) {
    size_t at = copy_plain_blocks<Strings>(text, length < room ? length : room, out), written = at;
    while (at < length && room - written >= kLane) {
        // A whole lane is copied and what lies before the first suspect is kept.
        size_t left = length - at;
        Lane lane{};
        if (left >= kLane) {
            lane = load(text + at);
            left = kLane;
        } else {
            std::memcpy(&lane, text + at, left);
        }
        std::memcpy(out + written, &lane, kLane);
        size_t plain = first_suspect<Strings>(lane);
        if (plain > left) plain = left;
        at += plain;
        written += plain;
        if (plain == left || room - written < kLongestEscape) continue;
        if (needs_escape<Strings>(text, length, at)) {
            written += escape(text, at, out + written);
        } else {
            out[written++] = text[at++];
        }
    }
    return csj_escaped{at, written};
}

bool matches(const csj_node *key, const uint8_t *base, const uint8_t *name, size_t length) {
    size_t inside = key->end - key->start - 2;
    const uint8_t *text = base + key->start + 1;
    if (key->info & CSJ_HAS_ESCAPE) return csj_equals(text, inside, name, length);
    return inside == length && std::memcmp(text, name, length) == 0;
}

}  // namespace

const csj_node *csj_member(const csj_node *object, const uint8_t *base, const uint8_t *key, size_t length) {
    const csj_node *found = nullptr, *end = object + object->next;
    for (const csj_node *name = object + 1; name < end;) {
        const csj_node *value = name + 1;
        if (matches(name, base, key, length)) found = value;
        name = value + value->next;
    }
    return found;
}

size_t csj_unescape(const uint8_t *inside, size_t length, uint8_t *out) {
    size_t at = 0, written = 0;
    while (at < length) {
        if (inside[at] == '\\') {
            written += encode_utf8(decode_escape(inside, length, at), out + written);
        } else {
            size_t run = run_length(inside, length, at);
            std::memcpy(out + written, inside + at, run);
            written += run;
            at += run;
        }
    }
    return written;
}

bool csj_equals(const uint8_t *inside, size_t length, const uint8_t *text, size_t text_length) {
    size_t at = 0, compared = 0;
    while (at < length) {
        uint8_t bytes[4];
        const uint8_t *piece = inside + at;
        size_t size;
        if (inside[at] == '\\') {
            size = encode_utf8(decode_escape(inside, length, at), bytes);
            piece = bytes;
        } else {
            size = run_length(inside, length, at);
            at += size;
        }
        if (text_length - compared < size || std::memcmp(piece, text + compared, size) != 0) return false;
        compared += size;
    }
    return compared == text_length;
}

double csj_double(const uint8_t *number, size_t length) {
    auto *from = reinterpret_cast<const char *>(number);
    double value = 0;
    auto result = std::from_chars(from, from + length, value);
    if (result.ec == std::errc()) return value;
    // Out of range, and the standard leaves open on which side; this one answers with zero or infinity.
    return simdjson::internal::from_chars(from, from + length);
}

csj_escaped csj_escape(const uint8_t *text, size_t length, uint8_t *out, size_t room) {
    return escape_all<true>(text, length, out, room);
}

csj_escaped csj_escape_separators(const uint8_t *text, size_t length, uint8_t *out, size_t room) {
    return escape_all<false>(text, length, out, room);
}

size_t csj_unseparated_prefix(const uint8_t *text, size_t length) {
    size_t at = 0;
    while (length - at >= kLane) {
        size_t plain = first_suspect<false>(load(text + at));
        at += plain;
        if (plain == kLane) continue;
        if (is_separator(text, length, at)) return at;
        at += 1;
    }
    while (at < length && !is_separator(text, length, at)) at += 1;
    return at;
}
