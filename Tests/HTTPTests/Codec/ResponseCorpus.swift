import HTTP

/// Malformed and unusual responses, each with its exact outcome when the connection ends after it.
enum ResponseCorpus {
    static var all: [CodecCase] { statusLines + framings + interims + bodies }

    private static func refused(_ name: String, _ wire: String, _ reason: HTTPParseError.Reason) -> CodecCase {
        CodecCase(name, wire, HTTPParseError(reason).status, reason)
    }

    static let statusLines = [
        CodecCase(
            "plain",
            "HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ab",
            says: ["200 OK 1.1 length 2 keep", "body ab", "end"]
        ),
        CodecCase("empty reason", "HTTP/1.1 200 ⏎Content-Length: 0⏎⏎", says: ["200 - 1.1 length 0 keep", "end"]),
        CodecCase(
            "no space before no reason",
            "HTTP/1.1 200⏎Content-Length: 0⏎⏎",
            says: ["200 - 1.1 length 0 keep", "end"]
        ),
        CodecCase(
            "reason not ASCII",
            "HTTP/1.1 404 Zażółć\tno⏎Content-Length: 0⏎⏎",
            says: ["404 Zażółć\tno 1.1 length 0 keep", "end"]
        ),
        CodecCase("unknown status", "HTTP/1.1 599 x⏎Content-Length: 0⏎⏎", says: ["599 x 1.1 length 0 keep", "end"]),
        refused("nothing", "", .closedBeforeHead),
        refused("half a status line", "HTTP/1.1 20", .truncated),
        refused("half a head", "HTTP/1.1 200 OK⏎A: b⏎", .truncated),
        refused("empty line first", "⏎HTTP/1.1 200 OK⏎⏎", .malformedStatusLine),
        refused("status of two digits", "HTTP/1.1 20 OK⏎⏎", .malformedStatusLine),
        refused("status of four digits", "HTTP/1.1 2000 OK⏎⏎", .malformedStatusLine),
        refused("status 099", "HTTP/1.1 099 OK⏎⏎", .malformedStatusLine),
        refused("status 600", "HTTP/1.1 600 OK⏎⏎", .malformedStatusLine),
        refused("status with letters", "HTTP/1.1 2xx OK⏎⏎", .malformedStatusLine),
        refused("status with plus", "HTTP/1.1 +20 OK⏎⏎", .malformedStatusLine),
        refused("no status", "HTTP/1.1 OK⏎⏎", .malformedStatusLine),
        refused("two spaces", "HTTP/1.1  200 OK⏎⏎", .malformedStatusLine),
        refused("NUL in the reason", "HTTP/1.1 200 O\0K⏎⏎", .malformedStatusLine),
        refused("HTTP/2", "HTTP/2.0 200 OK⏎⏎", .unsupportedVersion),
        refused("another protocol", "SSH-2.0-OpenSSH_9.2⏎", .malformedStatusLine),
        refused("another name", "ICYX/1.1 200 OK⏎⏎", .malformedVersion),
        refused("HTML instead", "<html>", .malformedStatusLine),
        refused("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", .bareLineFeed),
        refused("folded line", "HTTP/1.1 200 OK⏎A: b⏎ c⏎⏎", .foldedLine),
        refused("space before colon", "HTTP/1.1 200 OK⏎Content-Length : 0⏎⏎", .spaceBeforeColon),
        refused("NUL in a value", "HTTP/1.1 200 OK⏎A: \0⏎⏎", .malformedFieldValue),
        CodecCase(
            "obs-text in a value",
            "HTTP/1.1 200 OK⏎A: é⏎Content-Length: 0⏎⏎",
            says: ["200 OK 1.1 length 0 keep", "end"]
        ),
    ]

    static let framings = [
        CodecCase(
            "until close",
            "HTTP/1.1 200 OK⏎⏎all of it",
            says: ["200 OK 1.1 until close close", "body all of it", "end"]
        ),
        CodecCase("until close, empty", "HTTP/1.0 200 OK⏎⏎", says: ["200 OK 1.0 until close close", "end"]),
        CodecCase(
            "HTTP/1.0 closes",
            "HTTP/1.0 200 OK⏎Content-Length: 1⏎⏎a",
            says: ["200 OK 1.0 length 1 close", "body a", "end"]
        ),
        CodecCase(
            "HTTP/1.0 keeps when told",
            "HTTP/1.0 200 OK⏎Connection: keep-alive⏎Content-Length: 1⏎⏎a",
            says: ["200 OK 1.0 length 1 keep", "body a", "end"]
        ),
        CodecCase(
            "close",
            "HTTP/1.1 200 OK⏎connection: CLOSE⏎Content-Length: 1⏎⏎a",
            says: ["200 OK 1.1 length 1 close", "body a", "end"]
        ),
        CodecCase(
            "HEAD with length",
            "HTTP/1.1 200 OK⏎Content-Length: 9⏎⏎",
            says: ["200 OK 1.1 none keep", "end"],
            to: .head
        ),
        CodecCase(
            "HEAD chunked",
            "HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎",
            says: ["200 OK 1.1 none keep", "end"],
            to: .head
        ),
        CodecCase(
            "HEAD with a body",
            "HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ab",
            says: ["200 OK 1.1 none keep", "end", "extra 2"],
            to: .head
        ),
        CodecCase("204", "HTTP/1.1 204 No Content⏎⏎", says: ["204 No Content 1.1 none keep", "end"]),
        CodecCase(
            "204 with length",
            "HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎",
            says: ["204 No Content 1.1 none keep", "end"]
        ),
        CodecCase(
            "304 with length",
            "HTTP/1.1 304 Not Modified⏎Content-Length: 5⏎⏎",
            says: ["304 Not Modified 1.1 none keep", "end"]
        ),
        CodecCase(
            "205 is framed like any other",
            "HTTP/1.1 205 x⏎Content-Length: 0⏎⏎",
            says: ["205 x 1.1 length 0 keep", "end"]
        ),
        CodecCase(
            "CONNECT accepted",
            "HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎tunnel",
            says: ["200 OK 1.1 none close", "end", "extra 6"],
            to: .connect
        ),
        CodecCase(
            "CONNECT refused",
            "HTTP/1.1 403 no⏎Content-Length: 1⏎⏎a",
            says: ["403 no 1.1 length 1 keep", "body a", "end"],
            to: .connect
        ),
        CodecCase(
            "more than asked for",
            "HTTP/1.1 200 OK⏎Content-Length: 1⏎⏎aHTTP/1.1 200 OK⏎⏎",
            says: ["200 OK 1.1 length 1 keep", "body a", "end", "extra 19"]
        ),
        refused(
            "length and coding",
            "HTTP/1.1 200 OK⏎Content-Length: 1⏎Transfer-Encoding: chunked⏎⏎",
            .lengthAndTransferEncoding
        ),
        refused("two lengths", "HTTP/1.1 200 OK⏎Content-Length: 1⏎Content-Length: 1⏎⏎a", .repeatedContentLength),
        refused("length as a list", "HTTP/1.1 200 OK⏎Content-Length: 1, 1⏎⏎a", .malformedContentLength),
        refused("bad length, even for HEAD", "HTTP/1.1 204 x⏎Content-Length: -1⏎⏎", .malformedContentLength),
        refused("gzip", "HTTP/1.1 200 OK⏎Transfer-Encoding: gzip⏎⏎", .malformedTransferEncoding),
        refused("gzip, chunked", "HTTP/1.1 200 OK⏎Transfer-Encoding: gzip, chunked⏎⏎", .unsupportedTransferCoding),
        refused("chunked in HTTP/1.0", "HTTP/1.0 200 OK⏎Transfer-Encoding: chunked⏎⏎", .transferEncodingInHTTP10),
    ]

    static let interims = [
        CodecCase(
            "100 first",
            "HTTP/1.1 100 Continue⏎⏎HTTP/1.1 204 x⏎⏎",
            says: ["interim 100", "204 x 1.1 none keep", "end"]
        ),
        CodecCase(
            "several",
            "HTTP/1.1 102 a⏎⏎HTTP/1.1 103 b⏎Link: c⏎⏎HTTP/1.1 200 OK⏎Content-Length: 1⏎⏎a",
            says: ["interim 102", "interim 103", "200 OK 1.1 length 1 keep", "body a", "end"]
        ),
        CodecCase(
            "eight",
            String(repeating: "HTTP/1.1 103 x⏎⏎", count: 8) + "HTTP/1.1 204 x⏎⏎",
            says: Array(repeating: "interim 103", count: 8) + ["204 x 1.1 none keep", "end"]
        ),
        CodecCase(
            "nine",
            String(repeating: "HTTP/1.1 103 x⏎⏎", count: 9) + "HTTP/1.1 204 x⏎⏎",
            says: Array(repeating: "interim 103", count: 8)
                + ["refused 400: \(HTTPParseError.Reason.tooManyInterimResponses.rawValue)"]
        ),
        CodecCase(
            "nothing after",
            "HTTP/1.1 100 Continue⏎⏎",
            says: ["interim 100", "refused 400: \(HTTPParseError.Reason.truncated.rawValue)"]
        ),
        CodecCase(
            "switching protocols",
            "HTTP/1.1 101 Switching Protocols⏎Upgrade: x⏎⏎raw",
            says: ["101 Switching Protocols 1.1 none close", "end", "extra 3"]
        ),
    ]

    private static let chunked = "HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎"
    private static let chunkedHead = "200 OK 1.1 chunked keep"
    private static let truncated = "refused 400: \(HTTPParseError.Reason.truncated.rawValue)"

    static let bodies = [
        CodecCase("chunked", chunked + "3⏎abc⏎2⏎de⏎0⏎⏎", says: [chunkedHead, "body abcde", "end"]),
        CodecCase(
            "trailers",
            chunked + "3⏎abc⏎0⏎A: b⏎Set-Cookie: c⏎⏎",
            says: [chunkedHead, "body abc", "end with A=b"]
        ),
        CodecCase("more after chunks", chunked + "0⏎⏎⏎", says: [chunkedHead, "end", "extra 2"]),
        CodecCase(
            "length cut",
            "HTTP/1.1 200 OK⏎Content-Length: 3⏎⏎ab",
            says: ["200 OK 1.1 length 3 keep", "body ab", truncated]
        ),
        CodecCase(
            "length cut before the body",
            "HTTP/1.1 200 OK⏎Content-Length: 3⏎⏎",
            says: ["200 OK 1.1 length 3 keep", truncated]
        ),
        CodecCase("chunk cut", chunked + "3⏎ab", says: [chunkedHead, "body ab", truncated]),
        CodecCase("cut between chunks", chunked + "2⏎ab⏎", says: [chunkedHead, "body ab", truncated]),
        CodecCase("cut before the last line end", chunked + "2⏎ab⏎0⏎", says: [chunkedHead, "body ab", truncated]),
        CodecCase("cut in the trailers", chunked + "0⏎A: b⏎", says: [chunkedHead, truncated]),
        CodecCase(
            "bad chunk",
            chunked + "2⏎ab⏎x⏎",
            says: [chunkedHead, "body ab", "refused 400: \(HTTPParseError.Reason.malformedChunkSize.rawValue)"]
        ),
    ]
}
