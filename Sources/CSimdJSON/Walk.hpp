#pragma once
// The grammar of RFC 8259 over the token positions that simdjson's first stage found.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "CSimdJSON.h"

namespace csj {

inline bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
inline bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }

/// The value of four hexadecimal digits, or -1.
inline int32_t hex4(const uint8_t *p) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p[i], low = c | 0x20;
        if (is_digit(c)) {
            value = value << 4 | (c - '0');
        } else if (low >= 'a' && low <= 'f') {
            value = value << 4 | (low - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}
inline bool is_high_surrogate(int32_t unit) { return (unit & 0xFC00) == 0xD800; }
inline bool is_low_surrogate(int32_t unit) { return (unit & 0xFC00) == 0xDC00; }

/// Turns token positions into nodes.
///
/// What the first stage guarantees and this relies on: tokens are in ascending order; every `{}[]:,` outside strings, every
/// opening quote and every first byte of a run of other bytes is a token, closing quotes are not; strings are closed and
/// hold no control characters. So between the end of a value and the next token there is only white space, which is
/// checked, and a string's closing quote is the last byte before the next token that is not white space.
struct Walk {
    const uint8_t *text;
    uint32_t length;
    const uint32_t *token;      // the next one; *tokens_end == length
    const uint32_t *tokens_end;
    csj_node *first, *node;     // node: the next free one; there is one for every token
    uint32_t *stack;            // indexes of the open containers
    uint32_t depth = 0, max_depth;
    size_t backslash;           // the first one that no string has passed yet, or length
    uint64_t failed_at = UINT64_MAX;

    Walk(const uint8_t *text, uint32_t length, const uint32_t *tokens, uint32_t count, csj_node *nodes, uint32_t *stack,
         uint32_t max_depth)
        : text(text), length(length), token(tokens), tokens_end(tokens + count), first(nodes), node(nodes), stack(stack),
          max_depth(max_depth), backslash(find_backslash(0)) {}

    int32_t fail(int32_t reason, uint64_t at) {
        failed_at = at;
        return reason;
    }

    size_t find_backslash(size_t from) const {
        auto *found = static_cast<const uint8_t *>(std::memchr(text + from, '\\', length - from));
        return found == nullptr ? length : size_t(found - text);
    }

    void emit(uint32_t start, uint32_t end, uint32_t info) { *node++ = csj_node{start, end, 1, info}; }

    int32_t emit_string(uint32_t start) {
        uint32_t end = *token - 1;
        while (end > start && is_space(text[end])) end--;
        if (end == start || text[end] != '"') return fail(CSJ_UNEXPECTED_CHARACTER, start);
        uint32_t info = CSJ_STRING;
        if (backslash < end) {
            if (backslash < start) backslash = find_backslash(start);
            if (backslash < end) {
                int32_t reason = check_escapes(end, info);
                if (reason != CSJ_OK) return reason;
            }
        }
        emit(start, end + 1, info);
        return CSJ_OK;
    }

    /// Checks every escape from `backslash` to the closing quote at `end` and leaves `backslash` behind it.
    int32_t check_escapes(uint32_t end, uint32_t &info) {
        info |= CSJ_HAS_ESCAPE;
        size_t at = backslash;
        while (at < end) {
            // The closing quote is not escaped, so at + 1 < end.
            switch (text[at + 1]) {
            case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
                at += 2;
                break;
            case 'u': {
                int32_t unit = end - at < 6 ? -1 : hex4(text + at + 2);
                if (unit < 0) return fail(CSJ_INVALID_ESCAPE, at);
                at += 6;
                if (is_high_surrogate(unit) && end - at >= 6 && text[at] == '\\' && text[at + 1] == 'u'
                    && is_low_surrogate(hex4(text + at + 2))) {
                    at += 6;
                } else if ((unit & 0xF800) == 0xD800) {
                    info |= CSJ_HAS_LONE_SURROGATE;
                }
                break;
            }
            default: return fail(CSJ_INVALID_ESCAPE, at);
            }
            if (text[at] != '\\') at = find_backslash(at);
        }
        backslash = at;
        return CSJ_OK;
    }

    /// Emits a scalar that ends at `end` when only white space follows it before the next token.
    int32_t emit_scalar(uint32_t start, uint32_t end, uint32_t kind, int32_t reason) {
        for (uint32_t i = end; i < *token; i++) {
            if (!is_space(text[i])) return fail(reason, i);
        }
        emit(start, end, kind);
        return CSJ_OK;
    }

    int32_t emit_literal(uint32_t start, const char *word, uint32_t size, uint32_t kind) {
        if (*token - start < size || std::memcmp(text + start, word, size) != 0) return fail(CSJ_INVALID_LITERAL, start);
        return emit_scalar(start, start + size, kind, CSJ_INVALID_LITERAL);
    }

    int32_t emit_number(uint32_t start) {
        const uint32_t limit = *token;
        uint32_t i = start;
        auto digits = [&] {
            uint32_t from = i;
            while (i < limit && is_digit(text[i])) i++;
            return i - from;
        };
        if (text[i] == '-') i++;
        if (i < limit && text[i] == '0') {
            i++;  // a digit after it is found by emit_scalar
        } else if (digits() == 0) {
            return fail(CSJ_INVALID_NUMBER, i);
        }
        if (i < limit && text[i] == '.') {
            i++;
            if (digits() == 0) return fail(CSJ_INVALID_NUMBER, i);
        }
        if (i < limit && (text[i] | 0x20) == 'e') {
            i++;
            if (i < limit && (text[i] == '+' || text[i] == '-')) i++;
            if (digits() == 0) return fail(CSJ_INVALID_NUMBER, i);
        }
        return emit_scalar(start, i, CSJ_NUMBER, CSJ_INVALID_NUMBER);
    }

    int32_t emit_scalar_or_string(uint32_t at) {
        switch (text[at]) {
        case '"': return emit_string(at);
        case 't': return emit_literal(at, "true", 4, CSJ_BOOL);
        case 'f': return emit_literal(at, "false", 5, CSJ_BOOL);
        case 'n': return emit_literal(at, "null", 4, CSJ_NULL);
        case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
            return emit_number(at);
        default: return fail(CSJ_UNEXPECTED_CHARACTER, at);
        }
    }

    int32_t open(uint32_t at, uint32_t kind) {
        if (depth == max_depth) return fail(CSJ_TOO_DEEP, at);
        stack[depth++] = uint32_t(node - first);
        emit(at, at, kind);
        return CSJ_OK;
    }

    void close(uint32_t at) {
        csj_node &container = first[stack[--depth]];
        container.end = at + 1;
        container.next = uint32_t(node - &container);
    }

    /// A key and its colon.
    int32_t key() {
        if (token == tokens_end) return fail(CSJ_UNEXPECTED_END, length);
        uint32_t at = *token++;
        if (text[at] != '"') return fail(CSJ_UNEXPECTED_CHARACTER, at);
        int32_t reason = emit_string(at);
        if (reason != CSJ_OK) return reason;
        if (token == tokens_end) return fail(CSJ_UNEXPECTED_END, length);
        at = *token++;
        return text[at] == ':' ? CSJ_OK : fail(CSJ_UNEXPECTED_CHARACTER, at);
    }

    /// One value, or the opening of a container that is not empty (`opened`), with the first key when it is an object.
    int32_t value(bool &opened) {
        if (token == tokens_end) return fail(CSJ_UNEXPECTED_END, length);
        uint32_t at = *token++;
        uint8_t c = text[at];
        opened = c == '{' || c == '[';
        if (!opened) return emit_scalar_or_string(at);
        int32_t reason = open(at, c == '{' ? CSJ_OBJECT : CSJ_ARRAY);
        if (reason != CSJ_OK) return reason;
        if (token != tokens_end && text[*token] == c + 2) {  // '{' + 2 == '}', '[' + 2 == ']'
            close(*token++);
            opened = false;
            return CSJ_OK;
        }
        return c == '{' ? key() : CSJ_OK;
    }

    int32_t run() {
        bool opened;
        while (true) {
            int32_t reason = value(opened);
            if (reason != CSJ_OK) return reason;
            if (opened) continue;
            // After a value: close containers until a comma asks for the next one.
            while (true) {
                if (depth == 0) return token == tokens_end ? CSJ_OK : fail(CSJ_TRAILING_CONTENT, *token);
                if (token == tokens_end) return fail(CSJ_UNEXPECTED_END, length);
                uint32_t at = *token++;
                bool object = (first[stack[depth - 1]].info & CSJ_KIND_MASK) == CSJ_OBJECT;
                if (text[at] == ',') {
                    if (object && (reason = key()) != CSJ_OK) return reason;
                    break;
                }
                if (text[at] != (object ? '}' : ']')) return fail(CSJ_UNEXPECTED_CHARACTER, at);
                close(at);
            }
        }
    }
};

}  // namespace csj
