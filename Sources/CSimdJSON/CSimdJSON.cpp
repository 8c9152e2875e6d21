// The parser handle: buffers, simdjson's first stage, and the search for an offset after it failed.
#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "Walk.hpp"

static_assert(sizeof(csj_node) == 16 && offsetof(csj_node, end) == 4, "Swift reads nodes by offset");
static_assert(offsetof(csj_node, next) == 8 && offsetof(csj_node, info) == 12, "Swift reads nodes by offset");
static_assert(CSJ_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson may read this far past the text");

namespace {

using Stage1 = simdjson::internal::dom_parser_implementation;

/// A malloc'ed array that only ever grows; its contents do not survive growing.
template <typename T> struct Buffer {
    T *data = nullptr;
    size_t count = 0;

    bool reserve(size_t wanted) {
        if (wanted <= count) return true;
        release();
        data = static_cast<T *>(std::malloc(wanted * sizeof(T)));
        count = data == nullptr ? 0 : wanted;
        return data != nullptr;
    }
    void release() {
        std::free(data);
        data = nullptr;
        count = 0;
    }
};

/// Room for at least `wanted`, doubling from `least`, so that texts of varying length do not reallocate each time. From 1 Mi
/// on, where buffers do not outlive the text anyway, in small steps.
size_t rounded(size_t wanted, size_t least) {
    constexpr size_t kDoublingEnds = 1 << 20, kStep = 1 << 16;
    if (wanted > kDoublingEnds) return (wanted + kStep - 1) / kStep * kStep;
    size_t capacity = least;
    while (capacity < wanted) capacity *= 2;
    return capacity;
}

csj_result failure(int32_t reason, uint64_t offset) { return csj_result{nullptr, offset, reason}; }

}  // namespace

struct csj_parser {
    const simdjson::implementation *engine;
    std::unique_ptr<Stage1> stage1;
    Buffer<uint8_t> copy;
    Buffer<csj_node> nodes;
    uint32_t *stack;
    uint32_t max_depth;

    bool reserve_stage1(size_t length) {
        if (stage1 && stage1->capacity() >= length) return true;
        stage1.reset();  // first, so that the old and the new buffers are not held together
        size_t capacity = rounded(length, 4096);
        if (capacity > UINT32_MAX) capacity = UINT32_MAX;  // all that simdjson allows
        // Depth 1: the stack of simdjson's second stage is never used.
        return engine->create_dom_parser_implementation(capacity, 1, stage1) == simdjson::SUCCESS;
    }
};

csj_parser *csj_parser_new(uint32_t max_depth) {
    auto *parser = new (std::nothrow) csj_parser{};
    if (parser == nullptr) return nullptr;
    auto &active = simdjson::get_active_implementation();
    // The first call on `active` picks the best kernel for this machine; afterwards the pointer is that kernel.
    (void)active->name();
    parser->engine = active;
    parser->max_depth = max_depth;
    parser->stack = static_cast<uint32_t *>(std::malloc((size_t{max_depth} + 1) * sizeof(uint32_t)));
    if (parser->stack == nullptr) {
        delete parser;
        return nullptr;
    }
    return parser;
}

void csj_parser_free(csj_parser *parser) {
    if (parser == nullptr) return;
    csj_parser_trim(parser, 0);
    std::free(parser->stack);
    delete parser;
}

size_t csj_parser_memory(const csj_parser *parser) {
    size_t indexes = parser->stage1 ? parser->stage1->capacity() * sizeof(uint32_t) : 0;
    return indexes + parser->copy.count + parser->nodes.count * sizeof(csj_node);
}

void csj_parser_trim(csj_parser *parser, size_t limit) {
    if (csj_parser_memory(parser) <= limit) return;
    parser->stage1.reset();
    parser->copy.release();
    parser->nodes.release();
}

namespace {

/// Offset of the first byte that is not part of valid UTF-8, or `length`.
size_t invalid_utf8(const uint8_t *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        uint8_t lead = text[i];
        size_t extra = lead < 0x80 ? 0 : lead < 0xC2 ? 4 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 4;
        if (extra == 4 || length - i <= extra) return i;
        // The second byte's range excludes overlong forms, surrogates and values past U+10FFFF.
        uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        for (size_t k = 1; k <= extra; k++) {
            if (text[i + k] < low || text[i + k] > high) return i;
            low = 0x80;
            high = 0xBF;
        }
        i += extra + 1;
    }
    return length;
}

/// Finds what simdjson's first stage complained about in strings: a control character or a missing quote.
csj_result string_failure(const uint8_t *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        if (text[i] == '\\') {
            i += 2;
        } else if (text[i] != '"') {
            i += 1;
        } else {
            size_t open = i++;
            while (i < length && text[i] != '"') {
                if (text[i] < 0x20) return failure(CSJ_CONTROL_CHARACTER, i);
                i += text[i] == '\\' ? 2 : 1;
            }
            if (i >= length) return failure(CSJ_UNCLOSED_STRING, open);
            i += 1;
        }
    }
    return failure(CSJ_UNEXPECTED_CHARACTER, UINT64_MAX);
}

csj_result stage1_failure(simdjson::error_code error, const uint8_t *text, size_t length) {
    switch (error) {
    case simdjson::EMPTY: return failure(CSJ_EMPTY, UINT64_MAX);
    case simdjson::UTF8_ERROR: return failure(CSJ_INVALID_UTF8, invalid_utf8(text, length));
    case simdjson::MEMALLOC: return failure(CSJ_OUT_OF_MEMORY, UINT64_MAX);
    case simdjson::CAPACITY: return failure(CSJ_TOO_LARGE, UINT64_MAX);
    default: return string_failure(text, length);
    }
}

}  // namespace

csj_result csj_parse(csj_parser *parser, const uint8_t *bytes, size_t length, bool padded) {
    if (length == 0) return failure(CSJ_EMPTY, UINT64_MAX);
    if (length >= UINT32_MAX - CSJ_PADDING) return failure(CSJ_TOO_LARGE, UINT64_MAX);
    if (!parser->reserve_stage1(length)) return failure(CSJ_OUT_OF_MEMORY, UINT64_MAX);

    const uint8_t *text = bytes;
    if (!padded) {
        if (!parser->copy.reserve(rounded(length, 4096) + CSJ_PADDING)) return failure(CSJ_OUT_OF_MEMORY, UINT64_MAX);
        std::memcpy(parser->copy.data, bytes, length);
        std::memset(parser->copy.data + length, 0, CSJ_PADDING);
        text = parser->copy.data;
    }

    csj_result result;
    auto error = parser->stage1->stage1(text, length, simdjson::stage1_mode::regular);
    if (error != simdjson::SUCCESS) {
        result = stage1_failure(error, text, length);
    } else {
        uint32_t *tokens = parser->stage1->structural_indexes.get();
        uint32_t count = parser->stage1->n_structural_indexes;
        tokens[count] = uint32_t(length);  // what the walk takes as the end; simdjson 3.0.1 leaves the same there
        if (!parser->nodes.reserve(rounded(count, 256))) return failure(CSJ_OUT_OF_MEMORY, UINT64_MAX);
        csj::Walk walk(text, uint32_t(length), tokens, count, parser->nodes.data, parser->stack, parser->max_depth);
        int32_t reason = walk.run();
        result = reason == CSJ_OK ? csj_result{parser->nodes.data, 0, CSJ_OK} : failure(reason, walk.failed_at);
    }
    if (result.reason != CSJ_OK && length >= 3 && std::memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        return failure(CSJ_BYTE_ORDER_MARK, 0);
    }
    return result;
}

size_t csj_compact(const uint8_t *text, size_t length, uint8_t *out) {
    size_t written = 0;
    auto error = simdjson::get_active_implementation()->minify(text, length, out, written);
    return error == simdjson::SUCCESS ? written : 0;
}
