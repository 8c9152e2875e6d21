import Runnable
import Testing

/// What CPython 3.11 prints.
@Suite
struct FStringFormatTests {
    @Test(
        "LS-135 strings, conversions and plain values print as in Python",
        arguments: [
            (#"Hi {name}, {{literal}} {x:>4}"#, #"{"name":"B","x":1}"#, #"Hi B, {literal}    1"#),
            (#"{a}"#, #"{"a":"x","extra":1}"#, #"x"#),
            (#"{{}}{a}}}{{"#, #"{"a":1}"#, #"{}1}{"#),
            (#"{ a }"#, #"{" a ":2}"#, #"2"#),
            (#"{a:>6}|{a:<6}|{a:^7}|{a:6}"#, #"{"a":"abc"}"#, #"   abc|abc   |  abc  |abc   "#),
            (#"{a:*^8.2}"#, #"{"a":"abc"}"#, #"***ab***"#),
            (#"{a:06}"#, #"{"a":"abc"}"#, #"abc000"#),
            ("{a:é>4s}", "{\"a\":\"é\"}", "éééé"),
            (#"{a!r} {a!s} {a!a}"#, "{\"a\":\"é\\n'\"}", "\"é\\n'\" é\n' \"\\xe9\\n'\""),
            (#"{a!r:>8}"#, #"{"a":"x"}"#, #"     'x'"#),
            (#"{a!r}"#, #"{"a":"'\""}"#, #"'\'"'"#),
            (#"{a!r}"#, #"{"a":"it's"}"#, #""it's""#),
            (#"{a} {b} {c}"#, #"{"a":true,"b":false,"c":null}"#, #"True False None"#),
            (#"{a:>6}{b:d}"#, #"{"a":true,"b":false}"#, #"     10"#),
            (#"{a!s:>6}"#, #"{"a":true}"#, #"  True"#),
            (#"{a}"#, #"{"a":[1,"x",null,true,1.50,{"k":"it's"}]}"#, #"[1, 'x', None, True, 1.5, {'k': "it's"}]"#),
            (#"{a}"#, #"{"a":{"b":[],"c":{}}}"#, #"{'b': [], 'c': {}}"#),
            (#"{a!a}"#, "{\"a\":[\"é\",\"\\ud83d\\ude00\"]}", #"['\xe9', '\U0001f600']"#),
            (#"{a!r}"#, #"{"a":"\u0000\u007f\u00a0\u00ad\u2028\ue000"}"#, #"'\x00\x7f\xa0\xad\u2028\ue000'"#),
            (#"{a:.0}|"#, #"{"a":"abc"}"#, #"|"#),
            (#""#, #"{}"#, #""#),
            (#"plain"#, #"{}"#, #"plain"#),
        ]
    )
    func texts(_ text: String, _ values: String, _ expected: String) throws {
        try check(text, values, expected)
    }

    @Test(
        "LS-135 integers print as in Python",
        arguments: [
            (#"{a}"#, #"{"a":12345678901234567890123}"#, #"12345678901234567890123"#),
            (#"{a}"#, #"{"a":-0}"#, #"0"#),
            (#"{a:,} {a:_}"#, #"{"a":1234567}"#, #"1,234,567 1_234_567"#),
            (#"{a:+d} {a: d} {a:-d}"#, #"{"a":5}"#, #"+5  5 5"#),
            (#"{a:06,} {a:05_} {a:012,}"#, #"{"a":1234}"#, #"01,234 1_234 0,000,001,234"#),
            (#"{a:05,}"#, #"{"a":123}"#, #"0,123"#),
            (#"{a:=+8} {a:*=+8}"#, #"{"a":42}"#, #"+     42 +*****42"#),
            (#"{a:<08}|{a:^8}|"#, #"{"a":-42}"#, #"-4200000|  -42   |"#),
            (#"{a:b} {a:#o} {a:#x} {a:#X} {a:#010x}"#, #"{"a":255}"#, #"11111111 0o377 0xff 0XFF 0x000000ff"#),
            (#"{a:_b} {a:_x} {a:#_x}"#, #"{"a":123456789}"#, #"111_0101_1011_1100_1101_0001_0101 75b_cd15 0x75b_cd15"#),
            (
                #"{a:x} {a:o}"#, #"{"a":-123456789012345678901234567890}"#,
                #"-18ee90ff6c373e0ee4e3f0ad2 -143564417755415637016711617605322"#
            ),
            (#"{a:c}{b:c}"#, #"{"a":128512,"b":65}"#, "😀A"),
            (#"{a:5c}|{a:<5c}|"#, #"{"a":65}"#, #"    A|A    |"#),
            (#"{a:n}"#, #"{"a":1234567}"#, #"1234567"#),
            (
                #"{a:.2f} {a:e} {a:g} {a:%}"#, #"{"a":1234567}"#,
                #"1234567.00 1.234567e+06 1.23457e+06 123456700.000000%"#
            ),
            (#"{a:G}"#, #"{"a":12345678}"#, #"1.23457E+07"#),
        ]
    )
    func integers(_ text: String, _ values: String, _ expected: String) throws {
        try check(text, values, expected)
    }

    @Test(
        "LS-135 floats print as in Python",
        arguments: [
            (#"{a}"#, #"{"a":1.50}"#, #"1.5"#),
            (#"{a}"#, #"{"a":1e3}"#, #"1000.0"#),
            (#"{a}"#, #"{"a":1e16}"#, #"1e+16"#),
            (#"{a}"#, #"{"a":123456789012345.6}"#, #"123456789012345.6"#),
            (#"{a}"#, #"{"a":1e-5}"#, #"1e-05"#),
            (#"{a}"#, #"{"a":0.0001}"#, #"0.0001"#),
            (#"{a}"#, #"{"a":-0.0}"#, #"-0.0"#),
            (#"{a}"#, #"{"a":5e-324}"#, #"5e-324"#),
            (#"{a}"#, #"{"a":1e999}"#, #"inf"#),
            (#"{a:F} {a:08.1f} {a:%}"#, #"{"a":-1e999}"#, #"-INF -0000inf -inf%"#),
            (#"{a:.2f} {b:.0f} {c:.0f} {d:.0f}"#, #"{"a":2.675,"b":0.5,"c":1.5,"d":2.5}"#, #"2.67 0 2 2"#),
            (#"{a:.20f}"#, #"{"a":0.1}"#, #"0.10000000000000000555"#),
            (
                #"{a:f}"#, #"{"a":1.7976931348623157e308}"#,
                #"179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382464234321326889464182768467546703537516986049910576551282076245490090389328944075868508455133942304583236903222948165808559332123348274797826204144723168738177180919299881250404026184124858368.000000"#
            ),
            (#"{a:.3e} {a:E}"#, #"{"a":12345.678}"#, #"1.235e+04 1.234568E+04"#),
            (#"{a:g} {a:.3g} {a:#.8g} {a:G}"#, #"{"a":12345.678}"#, #"12345.7 1.23e+04 12345.678 12345.7"#),
            (#"{a:g} {b:g} {c:g}"#, #"{"a":1e-5,"b":1000000.0,"c":0.0001}"#, #"1e-05 1e+06 0.0001"#),
            (#"{a:.4} {a:.3} {a:.6}"#, #"{"a":1234.0}"#, #"1.234e+03 1.23e+03 1234.0"#),
            (#"{a:,.2f} {a:_} {a:015,.2f}"#, #"{"a":1234567.891}"#, #"1,234,567.89 1_234_567.891 0,001,234,567.89"#),
            (#"{a:.1%} {a:%}"#, #"{"a":0.1234}"#, #"12.3% 12.340000%"#),
            (#"{a:+.1f} {b:+.1f} {b: .1f} {b:z.1f}"#, #"{"a":1.25,"b":-0.01}"#, #"+1.2 -0.0 -0.0 0.0"#),
            (#"{a:#.0f} {a:#.0e} {a:#g}"#, #"{"a":2.0}"#, #"2. 2.e+00 2.00000"#),
            (#"{a:>10}|{a:<10}|{a:^10}|{a:010}"#, #"{"a":-1.5}"#, #"      -1.5|-1.5      |   -1.5   |-0000001.5"#),
            (#"{a:g} {a:#g} {a:.0e} {a:f}"#, #"{"a":0.0}"#, #"0 0.00000 0e+00 0.000000"#),
        ]
    )
    func floats(_ text: String, _ values: String, _ expected: String) throws {
        try check(text, values, expected)
    }

    @Test(
        "LS-135 formats that a value cannot have are refused as in Python",
        arguments: [
            (#"{a:d}"#, #""1""#), (#"{a:+}"#, #""x""#), (#"{a:=5}"#, #""x""#), (#"{a:#}"#, #""x""#),
            (#"{a:,}"#, #""x""#), (#"{a:z}"#, #""x""#), (#"{a:s}"#, #"1"#), (#"{a:.2}"#, #"1"#), (#"{a:.2d}"#, #"1"#),
            (#"{a:z}"#, #"1"#), (#"{a:d}"#, #"1.5"#), (#"{a:x}"#, #"1.5"#), (#"{a:c}"#, #"1.5"#), (#"{a:s}"#, #"1.5"#),
            (#"{a:c}"#, #"1114112"#), (#"{a:c}"#, #"-1"#), (#"{a:+c}"#, #"65"#), (#"{a:#c}"#, #"65"#),
            (#"{a:s}"#, #"true"#), (#"{a:>5}"#, #"null"#), (#"{a:>5}"#, #"[]"#), (#"{a:>5}"#, #"{}"#),
        ]
    )
    func unsuitable(_ text: String, _ value: String) throws {
        let template = try FStringTemplate(text)
        let value = try Value(parsing: value)
        let error = #expect(throws: PromptTemplateError.self) { try template.format(["a": value]) }
        guard case .unsuitableValue("a", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("huge integers are bounded, as in Python")
    func hugeIntegers() throws {
        let digits = String(repeating: "9", count: 4300)
        #expect(try FStringTemplate("{a:x}").format(["a": .number(digits)]).utf8.count == 3572)
        for text in ["{a:x}", "{a:d}", "{a:f}"] {
            #expect(throws: PromptTemplateError.self) { try FStringTemplate(text).format(["a": .number(digits + "9")]) }
        }
        #expect(throws: PromptTemplateError.self) { try FStringTemplate("{a:f}").format(["a": .number(digits)]) }
    }

    private func check(_ text: String, _ values: String, _ expected: String) throws {
        let values = try #require(try Value(parsing: values).object)
        let result = try FStringTemplate(text).format(values)
        #expect(result == expected && result.utf8.elementsEqual(expected.utf8))
    }
}
