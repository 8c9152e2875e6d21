#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ORACLE_ACCEPTED = 0, ORACLE_REFUSED = 1, ORACLE_REFUSED_NUMBER = 2, ORACLE_REFUSED_STRING = 3 };

/// What simdjson's own DOM makes of a text.
typedef struct oracle_result {
    int verdict;
    uint8_t *dump;  ///< malloc'ed when accepted: a flat form of all values
    size_t length;
} oracle_result;

/// `bytes` need 64 readable bytes behind them.
oracle_result oracle_parse(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
