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

/// Blocks of 16 bytes without a suspect byte are skipped; in the others every byte is looked at.
template <bool Strings> size_t scan(const uint8_t *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        size_t end = length;
        if (length - i >= 16) {
            Lane v;
            std::memcpy(&v, text + i, 16);
            auto suspect = (v == 0xC2) | (v == 0xE2);
            if constexpr (Strings) suspect |= (v < 0x20) | (v == '"') | (v == '\\');
            uint64_t halves[2];
            std::memcpy(halves, &suspect, 16);
            end = i + 16;
            if ((halves[0] | halves[1]) == 0) {
                i = end;
                continue;
            }
        }
        for (; i < end; i++) {
            uint8_t c = text[i];
            if (Strings && (c < 0x20 || c == '"' || c == '\\')) return i;
            if (c >= 0xC2 && is_separator(text, length, i)) return i;
        }
    }
    return length;
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

size_t csj_plain_prefix(const uint8_t *text, size_t length) { return scan<true>(text, length); }

size_t csj_unseparated_prefix(const uint8_t *text, size_t length) { return scan<false>(text, length); }
