#pragma once
// JSON reading and scanning primitives on top of simdjson, as plain C.
//
// Reading uses simdjson's first stage (vectorised: where tokens start, strings closed, no control characters inside them,
// valid UTF-8) and a walk of our own over the token positions in place of simdjson's DOM. The DOM converts numbers and
// copies strings, refuses integers of 2^64 and up and numbers beyond a double, and forgets where values lay in the source.
// The walk checks the grammar of RFC 8259 and keeps only positions, so every value can be passed on as its source bytes.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Readable bytes that must follow a text which is declared as padded.
enum { CSJ_PADDING = 64 };

enum csj_kind { CSJ_NULL = 0, CSJ_BOOL = 1, CSJ_NUMBER = 2, CSJ_STRING = 3, CSJ_ARRAY = 4, CSJ_OBJECT = 5 };

/// Bits of csj_node.info. The kind is in the low three.
enum { CSJ_KIND_MASK = 7, CSJ_HAS_ESCAPE = 8, CSJ_HAS_LONE_SURROGATE = 16 };

/// One value or object key, in document order. An array is followed by its elements, an object by key, value, key, value.
/// The Swift side reads these fields by offset; the layout is asserted in CSimdJSON.cpp.
typedef struct csj_node {
    uint32_t start;  ///< offset of the first byte, quote or bracket included
    uint32_t end;    ///< offset past the last byte
    uint32_t next;   ///< nodes from here to the next sibling; a container's children lie between
    uint32_t info;   ///< kind and flags
} csj_node;

enum csj_reason {
    CSJ_OK = 0,
    CSJ_OUT_OF_MEMORY = 1,
    CSJ_TOO_LARGE = 2,
    CSJ_TOO_DEEP = 3,
    CSJ_EMPTY = 4,
    CSJ_INVALID_UTF8 = 5,
    CSJ_CONTROL_CHARACTER = 6,
    CSJ_UNCLOSED_STRING = 7,
    CSJ_BYTE_ORDER_MARK = 8,
    CSJ_UNEXPECTED_CHARACTER = 9,
    CSJ_UNEXPECTED_END = 10,
    CSJ_INVALID_NUMBER = 11,
    CSJ_INVALID_LITERAL = 12,
    CSJ_INVALID_ESCAPE = 13,
    CSJ_TRAILING_CONTENT = 14,
};

typedef struct csj_result {
    const csj_node *nodes;  ///< the root first; NULL on failure; valid until the next parse, trim or free
    uint64_t offset;        ///< where the failure was noticed, UINT64_MAX when there is no such place
    int32_t reason;         ///< enum csj_reason
} csj_result;

typedef struct csj_parser csj_parser;

/// NULL when out of memory. At most `max_depth` arrays and objects may lie in each other.
csj_parser *csj_parser_new(uint32_t max_depth);
void csj_parser_free(csj_parser *parser);
/// Texts of 4 GiB and more are refused. Without `padded` the text is copied once.
csj_result csj_parse(csj_parser *parser, const uint8_t *bytes, size_t length, bool padded);
/// Bytes of buffers held for the next text.
size_t csj_parser_memory(const csj_parser *parser);
/// Frees all buffers when they exceed `limit` bytes together.
void csj_parser_trim(csj_parser *parser, size_t limit);

/// The value of the last member named `key`, or NULL.
const csj_node *csj_member(const csj_node *object, const uint8_t *base, const uint8_t *key, size_t length);

/// Decodes the inside of a checked string. `out` needs `length` bytes. Lone surrogates become U+FFFD. Returns the bytes written.
size_t csj_unescape(const uint8_t *inside, size_t length, uint8_t *out);
/// Whether the inside of a checked string, decoded, equals `text`.
bool csj_equals(const uint8_t *inside, size_t length, const uint8_t *text, size_t text_length);
/// The nearest double of a checked number; infinite when beyond the range.
double csj_double(const uint8_t *number, size_t length);

typedef struct csj_escaped {
    size_t taken;    ///< bytes of the text that are done
    size_t written;  ///< bytes written to `out`
} csj_escaped;

/// Writes valid UTF-8 as the inside of a JSON string: control characters, quotes, backslashes, U+0085, U+2028 and U+2029 are
/// escaped. Stops early when less than CSJ_ESCAPE_ROOM of the `room` in `out` is left.
csj_escaped csj_escape(const uint8_t *text, size_t length, uint8_t *out, size_t room);
/// The same for text that is valid JSON already: escapes U+0085, U+2028 and U+2029 only.
csj_escaped csj_escape_separators(const uint8_t *text, size_t length, uint8_t *out, size_t room);
enum { CSJ_ESCAPE_ROOM = 32 };
/// Length of the prefix without U+0085, U+2028, U+2029.
size_t csj_unseparated_prefix(const uint8_t *text, size_t length);
/// Copies valid JSON without insignificant white space. `out` needs length + CSJ_PADDING bytes. Returns the bytes written, 0
/// when a string is not closed.
size_t csj_compact(const uint8_t *text, size_t length, uint8_t *out);

#ifdef __cplusplus
}
#endif
