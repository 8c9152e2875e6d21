import Runnable
import Testing

@Suite
struct RunErrorTests {
    @Test(
        "every class has the status of the table",
        arguments: [
            (.callerInvalid, 400), (.contextTooLong, 400), (.contentFiltered, 400), (.upstreamAuth, 502),
            (.upstreamBilling, 502), (.upstreamRate, 429), (.upstreamOverload, 503), (.upstream5xx, 502),
            (.upstreamConnect, 502), (.upstreamTLS, 502), (.upstreamDNS, 502), (.timeoutConnect, 504),
            (.timeoutTLS, 504), (.timeoutHead, 504), (.timeoutFirstToken, 504), (.timeoutIdle, 504),
            (.timeoutTotal, 504), (.truncated, 502), (.upstreamProtocol, 502), (.policyRate, 429),
            (.policyConcurrency, 429), (.policyQueue, 429), (.policyBudget, 429), (.clientGone, 499),
            (.shuttingDown, 503), (.killed, 503), (.internal, 500),
        ] as [(RunError.Code, Int)]
    )
    func status(_ code: RunError.Code, _ status: Int) {
        #expect(RunError(code).status == status)
        #expect(RunError(code, status: 418).status == (code == .callerInvalid ? 418 : status))
    }

    @Test("an upstream's refusal of our key is never the caller's 401")
    func noLeakedRefusal() {
        for status in [401, 402, 403] {
            let error = RunError(.init(upstreamStatus: status), status: status, upstreamStatus: status)
            #expect(error.status == 502 && error.upstreamStatus == status)
            #expect(!error.isRetryableByCaller)
        }
        #expect(RunError(.callerInvalid, status: 500).status == 400)
    }

    @Test(
        "classes of upstream statuses",
        arguments: [
            (400, .callerInvalid), (404, .callerInvalid), (422, .callerInvalid), (401, .upstreamAuth),
            (402, .upstreamBilling), (429, .upstreamRate), (500, .upstream5xx), (503, .upstreamOverload),
            (529, .upstreamOverload), (504, .upstream5xx), (302, .upstreamProtocol),
        ] as [(Int, RunError.Code)]
    )
    func classes(_ status: Int, _ code: RunError.Code) {
        #expect(RunError.Code(upstreamStatus: status) == code)
    }

    @Test("printing shows the code alone")
    func printing() {
        let error = RunError(.upstreamAuth, detail: "key sk-canary refused")
        for text in ["\(error)", String(describing: error as any Error), error.message] {
            #expect(!text.contains("canary"))
        }
        #expect("\(error)" == "upstream_auth")
        #expect(error.debugDescription == "upstream_auth from upstream: key sk-canary refused")
    }

    @Test("other errors become internal, cancellation becomes client_gone")
    func wrapping() {
        #expect(RunError(TestError(1)).code == .internal)
        #expect(RunError(CancellationError()).code == .clientGone)
        #expect(RunError(RunError(.truncated)).code == .truncated)
        #expect(RunError(.internal).message == "Internal error.")
    }

    @Test("raw values and messages are distinct words for every code")
    func rawValues() {
        for code in RunError.Code.allCases {
            #expect(code.rawValue.utf8.allSatisfy { $0 == UInt8(ascii: "_") || ($0 >= 0x30 && $0 <= 0x7A) })
            #expect(RunError(code).message.hasSuffix("."))
        }
    }
}
