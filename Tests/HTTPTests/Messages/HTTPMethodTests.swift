import HTTP
import Testing

@Suite struct HTTPMethodTests {
    @Test func knownMethodsHaveCases() {
        let methods: [HTTPMethod] = [.get, .head, .post, .put, .delete, .options, .patch, .connect, .trace]
        for method in methods { #expect(HTTPMethod(checking: method.description) == method) }
        #expect(Set(methods.map(\.description)).count == methods.count)
    }

    @Test func othersAreTokens() throws {
        for name in ["get", "GETS", "PURGE", "PUSH", "HEAT"] {
            let token = try #require(HTTPToken(checking: name))
            #expect(HTTPMethod(checking: name) == .other(token))
            #expect(HTTPMethod(checking: name)?.description == name)
        }
    }

    @Test(arguments: ["", "/a b", "/a#b", "/a\r\n", "/é", "/\0"])
    func badTargetsAreNone(_ text: String) {
        #expect(RequestTarget(checking: text) == nil)
    }

    @Test func statusOfEachReason() {
        #expect(HTTPParseError(.requestLineTooLong).status == 414)
        #expect(HTTPParseError(.tooManyFields).status == 431)
        #expect(HTTPParseError(.headerBlockTooLarge).status == 431)
        #expect(HTTPParseError(.unsupportedVersion).status == 505)
        #expect(HTTPParseError(.unsupportedExpectation).status == 417)
        #expect(HTTPParseError(.unsupportedTransferCoding).status == 501)
        #expect(HTTPParseError(.lengthAndTransferEncoding).status == 400)
        for reason in HTTPParseError.Reason.allCases { #expect(HTTPParseError(reason).description == reason.rawValue) }
    }
}
