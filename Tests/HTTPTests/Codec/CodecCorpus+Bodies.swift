import HTTP

extension RequestCorpus {
    private static func post(_ fields: String, version: String = "1.1") -> String {
        "POST / HTTP/\(version)⏎Host: a⏎\(fields)⏎"
    }

    private static let chunked = post("Transfer-Encoding: chunked⏎")
    private static let chunkedHead = "POST / 1.1 chunked keep"

    private static func badLength(_ name: String, _ value: String) -> CodecCase {
        CodecCase(name, post("Content-Length: \(value)⏎") + "hello", 400, .malformedContentLength)
    }

    static let lengths = [
        CodecCase(
            "length",
            post("Content-Length: 5⏎") + "hello",
            says: ["POST / 1.1 length 5 keep", "body hello", "end"]
        ),
        CodecCase("length 0", post("Content-Length: 0⏎"), says: ["POST / 1.1 length 0 keep", "end"]),
        CodecCase(
            "length with zeros",
            post("Content-Length: 002⏎") + "ab",
            says: ["POST / 1.1 length 2 keep", "body ab", "end"]
        ),
        CodecCase(
            "body not complete",
            post("Content-Length: 5⏎") + "hell",
            says: ["POST / 1.1 length 5 keep", "body hell", "inside a body"]
        ),
        CodecCase(
            "largest length",
            post("Content-Length: 9223372036854775807⏎"),
            says: ["POST / 1.1 length 9223372036854775807 keep", "inside a body"]
        ),
        badLength("length overflows", "9223372036854775808"),
        badLength("length overflows by a digit", "92233720368547758070"),
        badLength("length overflows 64 bits", "18446744073709551621"),
        badLength("length with plus", "+5"),
        badLength("length with minus", "-5"),
        badLength("length in hexadecimal", "0x5"),
        badLength("length with fraction", "5.0"),
        badLength("length with exponent", "5e0"),
        badLength("length with underscore", "1_0"),
        badLength("length with inner space", "5 5"),
        badLength("length with letters", "five"),
        badLength("length empty", ""),
        badLength("length quoted", "\"5\""),
        badLength("length as a list", "5, 5"),
        badLength("length as a differing list", "5, 6"),
        badLength("length in other digits", "５"),
        CodecCase("length twice, different", post("Content-Length: 5⏎Content-Length: 6⏎"), 400, .repeatedContentLength),
        CodecCase("length twice, equal", post("Content-Length: 5⏎content-length: 5⏎"), 400, .repeatedContentLength),
    ]

    private static func coding(
        _ name: String,
        _ value: String,
        _ status: Int,
        _ reason: HTTPParseError.Reason
    ) -> CodecCase {
        CodecCase(name, post("Transfer-Encoding: \(value)⏎") + "0⏎⏎", status, reason)
    }

    static let codings = [
        CodecCase("chunked in capitals", post("TRANSFER-ENCODING: ChunKed⏎") + "0⏎⏎", says: [chunkedHead, "end"]),
        CodecCase(
            "length and coding",
            post("Content-Length: 5⏎Transfer-Encoding: chunked⏎") + "0⏎⏎",
            400,
            .lengthAndTransferEncoding
        ),
        CodecCase(
            "coding and length",
            post("Transfer-Encoding: chunked⏎Content-Length: 5⏎") + "0⏎⏎",
            400,
            .lengthAndTransferEncoding
        ),
        CodecCase(
            "length and unknown coding",
            post("Transfer-Encoding: x, chunked⏎Content-Length: 0⏎"),
            400,
            .lengthAndTransferEncoding
        ),
        CodecCase(
            "coding in HTTP/1.0",
            post("Transfer-Encoding: chunked⏎", version: "1.0") + "0⏎⏎",
            400,
            .transferEncodingInHTTP10
        ),
        CodecCase(
            "coding twice",
            post("Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎"),
            400,
            .malformedTransferEncoding
        ),
        CodecCase(
            "codings over two lines",
            post("Transfer-Encoding: gzip⏎Transfer-Encoding: chunked⏎"),
            501,
            .unsupportedTransferCoding
        ),
        coding("gzip below chunked", "gzip, chunked", 501, .unsupportedTransferCoding),
        coding("identity below chunked", "identity, chunked", 501, .unsupportedTransferCoding),
        coding("nothing below chunked", ", chunked", 501, .unsupportedTransferCoding),
        coding("chunked below gzip", "chunked, gzip", 400, .malformedTransferEncoding),
        coding("only gzip", "gzip", 400, .malformedTransferEncoding),
        coding("only identity", "identity", 400, .malformedTransferEncoding),
        coding("chunked twice", "chunked, chunked", 400, .malformedTransferEncoding),
        coding("comma after chunked", "chunked,", 400, .malformedTransferEncoding),
        coding("chunked with parameter", "chunked;q=1", 400, .malformedTransferEncoding),
        coding("chunked quoted", "\"chunked\"", 400, .malformedTransferEncoding),
        coding("almost chunked", "xchunked", 400, .malformedTransferEncoding),
        coding("chunked and a word", "chunked foo", 400, .malformedTransferEncoding),
        coding("empty coding", "", 400, .malformedTransferEncoding),
        coding("vertical tab", "\u{B}chunked", 400, .malformedFieldValue),
    ]

    static let connections = [
        CodecCase("close", "GET / HTTP/1.1⏎Host: a⏎Connection: close⏎⏎", says: ["GET / 1.1 none close", "end"]),
        CodecCase(
            "close in a list",
            "GET / HTTP/1.1⏎Host: a⏎Connection: x , Close⏎⏎",
            says: ["GET / 1.1 none close", "end"]
        ),
        CodecCase(
            "close on a second line",
            "GET / HTTP/1.1⏎Host: a⏎Connection: x⏎Connection: close⏎⏎",
            says: ["GET / 1.1 none close", "end"]
        ),
        CodecCase(
            "close beats keep-alive",
            "GET / HTTP/1.1⏎Host: a⏎Connection: keep-alive, close⏎⏎",
            says: ["GET / 1.1 none close", "end"]
        ),
        CodecCase("almost close", "GET / HTTP/1.1⏎Host: a⏎Connection: closed⏎⏎", says: ["GET / 1.1 none keep", "end"]),
        CodecCase(
            "HTTP/1.0 keep-alive",
            "GET / HTTP/1.0⏎Host: a⏎Connection: Keep-Alive⏎⏎",
            says: ["GET / 1.0 none keep", "end"]
        ),
        CodecCase(
            "expect",
            post("Content-Length: 2⏎Expect: 100-Continue⏎") + "ab",
            says: ["POST / 1.1 length 2 keep continue", "body ab", "end"]
        ),
        CodecCase("expect without body", post("Expect: 100-continue⏎"), says: ["POST / 1.1 none keep", "end"]),
        CodecCase(
            "expect in HTTP/1.0",
            post("Content-Length: 2⏎Expect: 100-continue⏎", version: "1.0") + "ab",
            says: ["POST / 1.0 length 2 close", "body ab", "end"]
        ),
        CodecCase(
            "expect something else",
            post("Content-Length: 2⏎Expect: cake⏎") + "ab",
            417,
            .unsupportedExpectation
        ),
        CodecCase("expect more", post("Expect: 100-continue, cake⏎"), 417, .unsupportedExpectation),
        CodecCase(
            "expect something else in HTTP/1.0",
            post("Expect: cake⏎", version: "1.0"),
            says: ["POST / 1.0 none close", "end"]
        ),
    ]

    private static func badChunk(_ name: String, _ body: String, _ reason: HTTPParseError.Reason) -> CodecCase {
        CodecCase(name, chunked + body, says: [chunkedHead, "refused 400: \(reason.rawValue)"])
    }

    static let chunks = [
        CodecCase("chunks", chunked + "5⏎hello⏎1⏎!⏎0⏎⏎", says: [chunkedHead, "body hello!", "end"]),
        CodecCase(
            "chunk size in capitals",
            chunked + "A⏎0123456789⏎0⏎⏎",
            says: [chunkedHead, "body 0123456789", "end"]
        ),
        CodecCase("chunk size with zeros", chunked + "0000000000000001⏎a⏎000⏎⏎", says: [chunkedHead, "body a", "end"]),
        CodecCase("chunk of CR LF", chunked + "2⏎⏎⏎0⏎⏎", says: [chunkedHead, "body \r\n", "end"]),
        CodecCase(
            "chunk extensions",
            chunked + "1;a⏎a⏎1;a=b;c=\"d e\"⏎b⏎0;é⏎⏎",
            says: [chunkedHead, "body ab", "end"]
        ),
        CodecCase(
            "white space before chunk extensions",
            chunked + "1 ;a⏎a⏎1 \t;b = c⏎b⏎0\t; d⏎⏎",
            says: [chunkedHead, "body ab", "end"]
        ),
        CodecCase("trailers", chunked + "1⏎a⏎0⏎X-Sum: 1⏎y:⏎⏎", says: [chunkedHead, "body a", "end with X-Sum=1|y="]),
        CodecCase(
            "forbidden trailers",
            chunked + "0⏎Content-Length: 3⏎X: 1⏎HOST: b⏎authorization: c⏎⏎",
            says: [chunkedHead, "end with X=1"]
        ),
        CodecCase("only forbidden trailers", chunked + "0⏎Transfer-Encoding: x⏎⏎", says: [chunkedHead, "end"]),
        badChunk("chunk size missing", "⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size with 0x", "0x5⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size with plus", "+5⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size with minus", "-5⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("space before a chunk size", " 5⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("space after a chunk size", "5 ⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("space inside a chunk size", "1 0⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("space and bare LF after a chunk size", "5 \nhello⏎0⏎⏎", .malformedChunkSize),
        badChunk(
            "endless space after a chunk size",
            "5" + String(repeating: " ", count: 5000) + ";⏎hello⏎0⏎⏎",
            .chunkLineTooLong
        ),
        badChunk("chunk size with underscore", "1_0⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size is no number", "g⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size with bare LF", "5\nhello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size with bare CR", "5\rhello⏎0⏎⏎", .malformedChunkSize),
        badChunk("only an extension", ";a⏎hello⏎0⏎⏎", .malformedChunkSize),
        badChunk("chunk size overflows", "8000000000000000⏎hello⏎0⏎⏎", .chunkSizeTooLarge),
        badChunk("chunk size overflows to 5", "10000000000000005⏎hello⏎0⏎⏎", .chunkSizeTooLarge),
        CodecCase("largest chunk size", chunked + "7fffffffffffffff⏎", says: [chunkedHead, "inside a body"]),
        badChunk("LF in an extension", "5;a\nb⏎hello⏎0⏎⏎", .malformedChunkExtension),
        badChunk("NUL in an extension", "5;a\0⏎hello⏎0⏎⏎", .malformedChunkExtension),
        badChunk("CR in an extension", "5;a\rb⏎hello⏎0⏎⏎", .malformedChunkSize),
        CodecCase(
            "chunk too long",
            chunked + "5⏎hello!⏎0⏎⏎",
            says: [chunkedHead, "body hello", "refused 400: \(HTTPParseError.Reason.malformedChunkEnd.rawValue)"]
        ),
        CodecCase(
            "chunk without line end",
            chunked + "5⏎hello0⏎⏎",
            says: [chunkedHead, "body hello", "refused 400: \(HTTPParseError.Reason.malformedChunkEnd.rawValue)"]
        ),
        CodecCase(
            "chunk with bare LF",
            chunked + "5⏎hello\n0⏎⏎",
            says: [chunkedHead, "body hello", "refused 400: \(HTTPParseError.Reason.malformedChunkEnd.rawValue)"]
        ),
        CodecCase(
            "chunk with bare CR",
            chunked + "5⏎hello\r0⏎⏎",
            says: [chunkedHead, "body hello", "refused 400: \(HTTPParseError.Reason.malformedChunkEnd.rawValue)"]
        ),
        badChunk("body ends with bare LF", "0⏎\n", .bareLineFeed),
        badChunk("folded trailer", "0⏎A: b⏎ c⏎⏎", .foldedLine),
        badChunk("trailer without colon", "0⏎A⏎⏎", .malformedFieldName),
        badChunk("NUL in a trailer", "0⏎A: \0⏎⏎", .malformedFieldValue),
        CodecCase("body not ended", chunked + "0⏎", says: [chunkedHead, "inside a body"]),
    ]

    static let limits = [
        CodecCase(
            "request line of the bound",
            "GET /67890123456789012 HTTP/1.1⏎Host: a⏎⏎",
            says: ["GET /67890123456789012 1.1 none keep", "end"],
            limits: small
        ),
        CodecCase(
            "request line over the bound",
            "GET /6789012345678901234 HTTP/1.1⏎Host: a⏎⏎",
            414,
            .requestLineTooLong,
            limits: small
        ),
        CodecCase(
            "request line without end",
            "GET /678901234567890123456789012345",
            414,
            .requestLineTooLong,
            limits: small
        ),
        CodecCase(
            "header block of the bound",
            "GET / HTTP/1.1⏎Host: a⏎X: 5678901234567890123456789⏎⏎",
            says: ["GET / 1.1 none keep", "end"],
            limits: small
        ),
        CodecCase(
            "header block over the bound",
            "GET / HTTP/1.1⏎Host: a⏎X: 567890123456789012345678901⏎⏎",
            431,
            .headerBlockTooLarge,
            limits: small
        ),
        CodecCase(
            "header block without end",
            "GET / HTTP/1.1⏎Host: a⏎X: 567890123456789012345678901234",
            431,
            .headerBlockTooLarge,
            limits: small
        ),
        CodecCase(
            "fields of the bound",
            "GET / HTTP/1.1⏎Host: a⏎b:⏎c:⏎⏎",
            says: ["GET / 1.1 none keep", "end"],
            limits: small
        ),
        CodecCase("one field too many", "GET / HTTP/1.1⏎Host: a⏎b:⏎c:⏎d:⏎⏎", 431, .tooManyFields, limits: small),
        CodecCase(
            "chunk line too long",
            chunked + "1;2345678⏎a⏎0⏎⏎",
            says: [chunkedHead, "refused 400: \(HTTPParseError.Reason.chunkLineTooLong.rawValue)"],
            limits: small
        ),
        CodecCase(
            "too many extensions",
            chunked + "1;23456⏎a⏎1;23456⏎b⏎1;2⏎c⏎0⏎⏎",
            says: [chunkedHead, "body ab", "refused 400: \(HTTPParseError.Reason.chunkLineTooLong.rawValue)"],
            limits: small
        ),
        CodecCase(
            "trailers too large",
            chunked + "0⏎A: 45678901234567890123456⏎⏎",
            says: [chunkedHead, "refused 431: \(HTTPParseError.Reason.trailersTooLarge.rawValue)"],
            limits: small
        ),
        CodecCase(
            "too many trailers",
            chunked + "0⏎A:⏎B:⏎C:⏎⏎",
            says: [chunkedHead, "refused 431: \(HTTPParseError.Reason.tooManyFields.rawValue)"],
            limits: small
        ),
    ]

    static let pipelines = [
        CodecCase(
            "three requests",
            "POST /a HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎helloGET /b HTTP/1.1⏎Host: a⏎⏎" + chunked
                + "3⏎abc⏎0⏎X: y⏎⏎⏎GET /c HTTP/1.0⏎⏎",
            says: [
                "POST /a 1.1 length 5 keep", "body hello", "end", "GET /b 1.1 none keep", "end", chunkedHead,
                "body abc", "end with X=y", "GET /c 1.0 none close", "end",
            ]
        ),
        CodecCase(
            "a good one and a bad one",
            "GET / HTTP/1.1⏎Host: a⏎⏎GET / HTTP/1.1⏎⏎",
            says: ["GET / 1.1 none keep", "end", "refused 400: \(HTTPParseError.Reason.missingHost.rawValue)"]
        ),
        CodecCase(
            "chunked then a second body",
            chunked + "0⏎⏎" + post("Content-Length: 1⏎") + "x",
            says: [chunkedHead, "end", "POST / 1.1 length 1 keep", "body x", "end"]
        ),
        CodecCase(
            "limits start anew",
            chunked + "1;23456⏎a⏎0⏎A: 1⏎⏎" + chunked + "1;23456⏎a⏎0⏎A: 1⏎⏎",
            says: [chunkedHead, "body a", "end with A=1", chunkedHead, "body a", "end with A=1"],
            limits: small
        ),
    ]
}
