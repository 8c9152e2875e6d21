#include "Oracle.h"

#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void add(std::string &out, char tag, const void *bytes, size_t size) {
    out.push_back(tag);
    out.append(static_cast<const char *>(bytes), size);
}

void add_string(std::string &out, std::string_view text) {
    uint32_t size = uint32_t(text.size());
    add(out, 's', &size, 4);
    out.append(text);
}

void dump(simdjson::dom::element value, std::string &out) {
    using simdjson::dom::element_type;
    switch (value.type()) {
    case element_type::ARRAY:
        out.push_back('[');
        for (auto element : value.get_array().value_unsafe()) dump(element, out);
        out.push_back(']');
        break;
    case element_type::OBJECT:
        out.push_back('{');
        for (auto field : value.get_object().value_unsafe()) {
            add_string(out, field.key);
            dump(field.value, out);
        }
        out.push_back('}');
        break;
    case element_type::INT64: {
        int64_t number = value.get_int64().value_unsafe();
        add(out, 'i', &number, 8);
        break;
    }
    case element_type::UINT64: {
        uint64_t number = value.get_uint64().value_unsafe();
        add(out, 'u', &number, 8);
        break;
    }
    case element_type::DOUBLE: {
        double number = value.get_double().value_unsafe();
        add(out, 'd', &number, 8);
        break;
    }
    case element_type::STRING: add_string(out, value.get_string().value_unsafe()); break;
    case element_type::BOOL: out.push_back(value.get_bool().value_unsafe() ? 't' : 'f'); break;
    case element_type::NULL_VALUE: out.push_back('n'); break;
    }
}

}  // namespace

oracle_result oracle_parse(const uint8_t *bytes, size_t length) {
    static simdjson::dom::parser parser;
    simdjson::dom::element root;
    switch (parser.parse(bytes, length, false).get(root)) {
    case simdjson::SUCCESS: break;
    case simdjson::NUMBER_ERROR: return {ORACLE_REFUSED_NUMBER, nullptr, 0};
    case simdjson::STRING_ERROR: return {ORACLE_REFUSED_STRING, nullptr, 0};
    default: return {ORACLE_REFUSED, nullptr, 0};
    }
    std::string out;
    dump(root, out);
    auto *copy = static_cast<uint8_t *>(std::malloc(out.size()));
    std::memcpy(copy, out.data(), out.size());
    return {ORACLE_ACCEPTED, copy, out.size()};
}
