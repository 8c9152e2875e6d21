import Runnable
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunnableConfigurableTests {
    private func says(_ text: String) -> AsyncRunnableLambda<Int, String> {
        AsyncRunnableLambda { (_: Int) in text }
    }

    private func configurable(_ standard: String) -> RunnableConfigurableFields<AsyncRunnableLambda<Int, String>> {
        says(standard).configurableFields([ConfigurableField("resp", kind: .string, default: .string(standard))]) {
            self.says($0["resp"]?.string ?? "?")
        }
    }

    private func config(_ values: Value.Object) -> RunConfig { RunConfig(configurable: values) }

    @Test("LS-129 LS-73 a field changes the call that sets it and no other")
    func fields() async throws {
        let runnable = configurable("d")
        #expect(try await runnable.ainvoke(1) == "d")
        #expect(try await runnable.ainvoke(1, config: config(["resp": "Z"])) == "Z")
        #expect(try await onThread { try runnable.invoke(1, config: config(["resp": "Z"])) } == "Z")
        #expect(await outcome(runnable.astream(1, config: config(["resp": "Z"]))).elements == ["Z"])
        #expect(await outcome(runnable.atransform(.elements([1]), config: config(["resp": "Z"]))).elements == ["Z"])
        #expect(try await onThread { try runnable.stream(1, config: config(["resp": "Z"])).collect() } == ["Z"])
        let each = BatchConfig.each([config(["resp": "A"]), config([:])])
        #expect(try await runnable.abatch([1, 2], configs: each) == ["A", "d"])
    }

    @Test("LS-129 LS-74 a value of the wrong kind is refused, and the field named")
    func invalid() async throws {
        let error = await #expect(throws: RunError.self) {
            try await configurable("d").ainvoke(1, config: config(["resp": 5]))
        }
        #expect(error?.code == .callerInvalid && error?.status == 422)
        #expect(error?.message == "configurable.resp must be a string")
        let streamed = await outcome(configurable("d").astream(1, config: config(["resp": 5])))
        #expect((streamed.error as? RunError)?.code == .callerInvalid)
    }

    @Test("LS-129 alternatives: chosen by key, the default, an unknown one, and made when wanted")
    func alternatives() async throws {
        let made = CallCounts()
        let runnable = says("d").configurableAlternatives(
            "m",
            [
                "alt": {
                    _ = made.note(1)
                    return says("alt").erased
                }
            ]
        )
        #expect(try await runnable.ainvoke(1) == "d")
        #expect(made.all.isEmpty)
        #expect(try await runnable.ainvoke(1, config: config(["m": "alt"])) == "alt")
        let each = BatchConfig.each([config(["m": "alt"]), config([:])])
        #expect(try await runnable.abatch([1, 2], configs: each) == ["alt", "d"])
        #expect(made.all == [1: 1])
        #expect(try await runnable.ainvoke(1, config: config(["m": "default"])) == "d")
        let error = await #expect(throws: RunError.self) {
            try await runnable.ainvoke(1, config: config(["m": "zz"]))
        }
        #expect(error?.status == 422 && error?.message == "configurable.m must be one of default, alt")
    }

    @Test("LS-129 prefixed keys apply to the alternative they name, bare ones to whichever is chosen")
    func prefixes() async throws {
        let runnable = configurable("d").configurableAlternatives(
            "m",
            prefixKeys: true,
            ["alt": { configurable("alt").erased }]
        )
        #expect(try await runnable.ainvoke(1, config: config(["m==alt/resp": "Z"])) == "d")
        #expect(try await runnable.ainvoke(1, config: config(["m": "alt", "m==alt/resp": "Z"])) == "Z")
        #expect(try await runnable.ainvoke(1, config: config(["m": "alt", "resp": "Y"])) == "Y")
        #expect(try await runnable.ainvoke(1, config: config(["m==default/resp": "X"])) == "X")
        #expect(runnable.configurableSpecs.map(\.id) == ["m", "m==default/resp", "m==alt/resp"])
        #expect(runnable.configurableSpecs[0].kind == .choice(["default", "alt"]))
    }

    @Test("declared fields are seen through what is around them")
    func specs() {
        let inner = configurable("d")
        let wrapped = inner.withRetry().withFallbacks([says("f").erased]).withTimeout(.seconds(1)).erased
        #expect(wrapped.configurableSpecs.map(\.id) == ["resp"])
        let sequence = RunnableLambda { (x: Int) in x } | inner | RunnableLambda { (text: String) in text }
        #expect(sequence.configurableSpecs.map(\.id) == ["resp"])
        #expect(says("x").configurableSpecs.isEmpty)
    }

    @Test("configurable runnables have no run of their own")
    func transparent() async throws {
        let log = EventLog()
        _ = try await configurable("d").ainvoke(1, config: config(["resp": "Z"]).observed(by: log))
        #expect(log.lines == ["RunnableLambda start 1", "RunnableLambda end \"Z\" of 1"])
    }

    @Test(
        "kinds of fields",
        arguments: [
            (ConfigurableField.Kind.any, Value.null, true), (.string, "a", true), (.string, 1, false),
            (.integer, 1, true), (.integer, 1.5, false), (.number, 1.5, true), (.number, "1", false),
            (.bool, true, true), (.bool, 0, false), (.strings, .array(["a"]), true), (.strings, .array([1]), false),
            (.choice(["a"]), "a", true), (.choice(["a"]), "b", false),
        ]
    )
    func kinds(_ kind: ConfigurableField.Kind, _ value: Value, _ isAllowed: Bool) {
        #expect(kind.allows(value) == isAllowed)
    }
}
