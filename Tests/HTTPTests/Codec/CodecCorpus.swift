import HTTP

/// Malformed and unusual requests, each with its exact outcome.
enum RequestCorpus {
    static let small = HTTPLimits(
        requestLine: 32,
        headerBlock: 40,
        fieldCount: 3,
        chunkLine: 8,
        chunkExtensions: 10,
        trailerBlock: 24,
        trailerCount: 2
    )

    static var all: [CodecCase] {
        requestLines + targets + fieldLines + hosts + lengths + codings + connections + chunks + limits + pipelines
    }

    static let requestLines = [
        CodecCase("plain", "GET / HTTP/1.1⏎Host: a⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("nothing", "", says: []),
        CodecCase("one empty line first", "⏎GET / HTTP/1.1⏎Host: a⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("two empty lines first", "⏎⏎GET / HTTP/1.1⏎Host: a⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("three empty lines first", "⏎⏎⏎GET / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("only an empty line", "⏎", says: []),
        CodecCase("bare LF first", "\nGET / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("bare CR first", "\rGET / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("space first", " GET / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("tab first", "\tGET / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("TLS instead of HTTP", "\u{16}\u{3}\u{1}\u{2}", 400, .malformedRequestLine),
        CodecCase("NUL first", "\0GET / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("bare LF after the line", "GET / HTTP/1.1\nHost: a⏎⏎", 400, .bareLineFeed),
        CodecCase("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400, .bareLineFeed),
        CodecCase("bare CR after the line", "GET / HTTP/1.1\rHost: a⏎⏎", 400, .malformedVersion),
        CodecCase("two CRs", "GET / HTTP/1.1\r⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("HTTP/0.9", "GET /⏎", 400, .malformedRequestLine),
        CodecCase("a word", "GET⏎", 400, .malformedRequestLine),
        CodecCase("space at the end", "GET / HTTP/1.1 ⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("two spaces before the target", "GET  / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("two spaces before the version", "GET /  HTTP/1.1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("tabs for spaces", "GET\t/\tHTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("no target", "GET  HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("method is no token", "GE(T / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("method with a colon", "Host: a HTTP/1.1⏎⏎", 400, .malformedRequestLine),
        CodecCase("method not ASCII", "GÉT / HTTP/1.1⏎Host: a⏎⏎", 400, .malformedRequestLine),
        CodecCase("method in lower case is another", "get / HTTP/1.1⏎Host: a⏎⏎", says: ["get / 1.1 none keep", "end"]),
        CodecCase(
            "method of 32 bytes",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1⏎Host: a⏎⏎",
            says: ["ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / 1.1 none keep", "end"]
        ),
        CodecCase("method of 33 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1⏎Host: a⏎⏎", 501, .methodTooLong),
        CodecCase("HTTP/2 preface", "PRI * HTTP/2.0⏎⏎SM⏎⏎", 505, .unsupportedVersion),
        CodecCase("HTTP/0.9 by name", "GET / HTTP/0.9⏎Host: a⏎⏎", 505, .unsupportedVersion),
        CodecCase("HTTP/3.1", "GET / HTTP/3.1⏎Host: a⏎⏎", 505, .unsupportedVersion),
        CodecCase("higher minor version", "GET / HTTP/1.9⏎Host: a⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("version without minor", "GET / HTTP/1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("version with two digits", "GET / HTTP/1.10⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("version in lower case", "GET / http/1.1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("version with a comma", "GET / HTTP/1,1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("another protocol", "GET / ICAP/1.1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("version with letters", "GET / HTTP/x.1⏎Host: a⏎⏎", 400, .malformedVersion),
    ]

    static let targets = [
        CodecCase(
            "query",
            "GET /a?b=c HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET /a?b=c 1.1 none keep path /a query b=c", "end"]
        ),
        CodecCase("empty query", "GET /a? HTTP/1.1⏎Host: a⏎⏎", says: ["GET /a? 1.1 none keep path /a query ", "end"]),
        CodecCase(
            "two question marks",
            "GET /a?b?c HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET /a?b?c 1.1 none keep path /a query b?c", "end"]
        ),
        CodecCase(
            "nothing decoded",
            "GET /%2e/../%00 HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET /%2e/../%00 1.1 none keep", "end"]
        ),
        CodecCase("double slash kept", "GET //b/c HTTP/1.1⏎Host: a⏎⏎", says: ["GET //b/c 1.1 none keep", "end"]),
        CodecCase("fragment", "GET /a#b HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("not ASCII", "GET /é HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("DEL", "GET /\u{7F} HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("NUL", "GET /\0 HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("tab", "GET /a\tb HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("CR", "GET /a\rb HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("space", "GET /a b HTTP/1.1⏎Host: a⏎⏎", 400, .malformedVersion),
        CodecCase("relative", "GET a HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("only a query", "GET ?a HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("asterisk", "OPTIONS * HTTP/1.1⏎Host: a⏎⏎", says: ["OPTIONS * 1.1 none keep", "end"]),
        CodecCase("asterisk for GET", "GET * HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("two asterisks", "OPTIONS ** HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase(
            "absolute form overrules Host",
            "GET http://b:81/c?d HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET http://b:81/c?d 1.1 none keep path /c query d host b:81", "end"]
        ),
        CodecCase(
            "absolute form without path",
            "GET HTTPS://b HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET HTTPS://b 1.1 none keep path / host b", "end"]
        ),
        CodecCase(
            "absolute form with only a query",
            "GET http://b?c HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET http://b?c 1.1 none keep path / query c host b", "end"]
        ),
        CodecCase(
            "OPTIONS in absolute form without path",
            "OPTIONS http://b HTTP/1.1⏎Host: a⏎⏎",
            says: ["OPTIONS http://b 1.1 none keep path * host b", "end"]
        ),
        CodecCase("absolute form still needs Host", "GET http://b/ HTTP/1.1⏎⏎", 400, .missingHost),
        CodecCase("absolute form without host", "GET http:///c HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("absolute form with user", "GET http://u:p@b/ HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("other scheme", "GET ftp://b/ HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("scheme without authority", "GET http:/b HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase(
            "authority form",
            "CONNECT b:443 HTTP/1.1⏎Host: a⏎⏎",
            says: ["CONNECT b:443 1.1 none keep path  host b:443", "end"]
        ),
        CodecCase("authority form without port", "CONNECT b HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("authority form with empty port", "CONNECT b: HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("CONNECT with a path", "CONNECT /b HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
        CodecCase("authority form for GET", "GET b:443 HTTP/1.1⏎Host: a⏎⏎", 400, .malformedTarget),
    ]

    static let fieldLines = [
        CodecCase(
            "white space around a value",
            "GET / HTTP/1.1⏎Host: \t a \t⏎⏎",
            says: ["GET / 1.1 none keep", "end"]
        ),
        CodecCase("no white space", "GET / HTTP/1.1⏎Host:a⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("empty value", "GET / HTTP/1.1⏎Host: a⏎X:⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("value of white space", "GET / HTTP/1.1⏎Host: a⏎X: \t ⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase(
            "tab inside a value",
            "GET / HTTP/1.1⏎Host: a⏎X: 12345\t789⏎⏎",
            says: ["GET / 1.1 none keep", "end"]
        ),
        CodecCase("obs-text in a value", "GET / HTTP/1.1⏎Host: a⏎X: é€😀⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase(
            "every token byte in a name",
            "GET / HTTP/1.1⏎Host: a⏎!#$%&'*+-.^_`|~09AZaz: b⏎⏎",
            says: ["GET / 1.1 none keep", "end"]
        ),
        CodecCase("folded line", "GET / HTTP/1.1⏎Host: a⏎X: b⏎ c⏎⏎", 400, .foldedLine),
        CodecCase("folded line with tab", "GET / HTTP/1.1⏎Host: a⏎X: b⏎\tc⏎⏎", 400, .foldedLine),
        CodecCase("space before the first field", "GET / HTTP/1.1⏎ Host: a⏎⏎", 400, .foldedLine),
        CodecCase("line of a space", "GET / HTTP/1.1⏎Host: a⏎ ⏎⏎", 400, .foldedLine),
        CodecCase("space before the colon", "GET / HTTP/1.1⏎Host : a⏎⏎", 400, .spaceBeforeColon),
        CodecCase("tab before the colon", "GET / HTTP/1.1⏎Host: a⏎Content-Length\t: 5⏎⏎", 400, .spaceBeforeColon),
        CodecCase("space in a name", "GET / HTTP/1.1⏎Host: a⏎X Y: b⏎⏎", 400, .malformedFieldName),
        CodecCase("empty name", "GET / HTTP/1.1⏎Host: a⏎: b⏎⏎", 400, .emptyFieldName),
        CodecCase("no colon", "GET / HTTP/1.1⏎Host: a⏎X⏎⏎", 400, .malformedFieldName),
        CodecCase("name not ASCII", "GET / HTTP/1.1⏎Host: a⏎Xé: b⏎⏎", 400, .malformedFieldName),
        CodecCase("parenthesis in a name", "GET / HTTP/1.1⏎Host: a⏎X(): b⏎⏎", 400, .malformedFieldName),
        CodecCase("NUL in a name", "GET / HTTP/1.1⏎Host: a⏎X\0: b⏎⏎", 400, .malformedFieldName),
        CodecCase("quote in a name", "GET / HTTP/1.1⏎Host: a⏎\"X\": b⏎⏎", 400, .malformedFieldName),
        CodecCase("NUL in a value", "GET / HTTP/1.1⏎Host: a⏎X: 12345\0⏎⏎", 400, .malformedFieldValue),
        CodecCase("NUL in a long value", "GET / HTTP/1.1⏎Host: a⏎X: 12345678\0abcdefgh⏎⏎", 400, .malformedFieldValue),
        CodecCase("DEL in a value", "GET / HTTP/1.1⏎Host: a⏎X: 1234567\u{7F}⏎⏎", 400, .malformedFieldValue),
        CodecCase("escape in a value", "GET / HTTP/1.1⏎Host: a⏎X: \u{1B}[31m⏎⏎", 400, .malformedFieldValue),
        CodecCase("bare CR in a value", "GET / HTTP/1.1⏎Host: a⏎X: b\rY: c⏎⏎", 400, .malformedFieldValue),
        CodecCase("two CRs after a value", "GET / HTTP/1.1⏎Host: a\r⏎⏎", 400, .malformedFieldValue),
        CodecCase("bare LF after a field", "GET / HTTP/1.1⏎Host: a\nX: b⏎⏎", 400, .bareLineFeed),
        CodecCase("bare LF ends the head", "GET / HTTP/1.1⏎Host: a⏎\n", 400, .bareLineFeed),
        CodecCase("LF LF ends the head", "GET / HTTP/1.1⏎Host: a\n\n", 400, .bareLineFeed),
        CodecCase("CR ends the head", "GET / HTTP/1.1⏎Host: a⏎\rX: b⏎⏎", 400, .malformedFieldName),
        CodecCase("head not complete", "GET / HTTP/1.1⏎Host: a⏎", says: ["inside a head"]),
    ]

    static let hosts = [
        CodecCase("no Host", "GET / HTTP/1.1⏎⏎", 400, .missingHost),
        CodecCase("no Host in HTTP/1.0", "GET / HTTP/1.0⏎⏎", says: ["GET / 1.0 none close", "end"]),
        CodecCase("two Hosts", "GET / HTTP/1.1⏎Host: a⏎Host: b⏎⏎", 400, .repeatedHost),
        CodecCase("the same Host twice", "GET / HTTP/1.1⏎Host: a⏎hOST: a⏎⏎", 400, .repeatedHost),
        CodecCase("two Hosts in HTTP/1.0", "GET / HTTP/1.0⏎Host: a⏎Host: a⏎⏎", 400, .repeatedHost),
        CodecCase("empty Host", "GET / HTTP/1.1⏎Host:⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase("Host with a port alone", "GET / HTTP/1.1⏎Host: :80⏎⏎", 400, .malformedHost),
        CodecCase(
            "Host with a port",
            "GET / HTTP/1.1⏎Host: b.c:80⏎⏎",
            says: ["GET / 1.1 none keep host b.c:80", "end"]
        ),
        CodecCase(
            "Host with an empty port",
            "GET / HTTP/1.1⏎Host: b:⏎⏎",
            says: ["GET / 1.1 none keep host b:", "end"]
        ),
        CodecCase(
            "Host with IPv6",
            "GET / HTTP/1.1⏎Host: [::1]:80⏎⏎",
            says: ["GET / 1.1 none keep host [::1]:80", "end"]
        ),
        CodecCase(
            "Host with an escape",
            "GET / HTTP/1.1⏎Host: b%41⏎⏎",
            says: ["GET / 1.1 none keep host b%41", "end"]
        ),
        CodecCase("Host with a bad escape", "GET / HTTP/1.1⏎Host: b%4⏎⏎", 400, .malformedHost),
        CodecCase("Host with a bad port", "GET / HTTP/1.1⏎Host: b:8a⏎⏎", 400, .malformedHost),
        CodecCase("Host with a big port", "GET / HTTP/1.1⏎Host: b:65536⏎⏎", 400, .malformedHost),
        CodecCase("Host is a port", "GET / HTTP/1.1⏎Host: :80⏎⏎", 400, .malformedHost),
        CodecCase("Host with two ports", "GET / HTTP/1.1⏎Host: b:1:2⏎⏎", 400, .malformedHost),
        CodecCase("Host with user", "GET / HTTP/1.1⏎Host: u@b⏎⏎", 400, .malformedHost),
        CodecCase("Host with a path", "GET / HTTP/1.1⏎Host: b/c⏎⏎", 400, .malformedHost),
        CodecCase("Host with a space", "GET / HTTP/1.1⏎Host: b c⏎⏎", 400, .malformedHost),
        CodecCase("Host with a list", "GET / HTTP/1.1⏎Host: b, c⏎⏎", 400, .malformedHost),
        CodecCase("Host not ASCII", "GET / HTTP/1.1⏎Host: é⏎⏎", 400, .malformedHost),
        CodecCase("Host with an open bracket", "GET / HTTP/1.1⏎Host: [::1⏎⏎", 400, .malformedHost),
        CodecCase("Host with a zone", "GET / HTTP/1.1⏎Host: [::1%25a]⏎⏎", 400, .malformedHost),
        CodecCase("Host with text after a bracket", "GET / HTTP/1.1⏎Host: [::1]a⏎⏎", 400, .malformedHost),
        CodecCase("Host with empty brackets", "GET / HTTP/1.1⏎Host: []⏎⏎", 400, .malformedHost),
    ]
}
