import EventLoop
import Foundation
import Glibc
import Runnable
import Testing

@testable import Gateway

/// The admin socket answers while a serving loop does not.
@Suite struct StuckLoopTests {
    /// A thread that does not go on until told to.
    private final class Stop: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        func wait() { semaphore.wait() }
        func open() { semaphore.signal() }
    }

    @Test(.timeLimit(.minutes(1))) func `it says which loop is stuck, and ends what it can`() async throws {
        let text = """
            backends: {mock: {dialect: mock, mock: {latency: 1000s}}}
            models: {demo: {backend: mock}}
            routes: {/: {model: demo}}
            """
        try await TestGateway.run(text, loops: 2) { gateway in
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("hg-\(UUID().uuidString)").path
            var settings = AdminSettings()
            settings.socket = .path(path)
            let actions = AdminActions {
                getpid()
            } reload: { _ in
                ReloadOutcome(succeeded: true, text: "")
            }
            let started = try await AdminServer.start(
                settings,
                for: gateway.gateway,
                file: "test.yaml",
                actions: actions
            )
            let admin = try #require(started)
            let client = AdminClient(path: path)
            let healthy = try await onThread { try client.get("/status").value }
            #expect(healthy["loops"]?.array?.allSatisfy { $0["answered"]?.bool == true } == true)

            let stop = Stop()
            gateway.gateway.loops[1].execute { stop.wait() }
            let status = try await onThread { try client.get("/status").value }
            let loops = status["loops"]?.array ?? []
            #expect(loops.map { $0["answered"]?.bool } == [true, false])
            #expect(loops.map { $0["name"]?.string } == ["loop-0", "loop-1"])
            #expect(StatusText.text(status).contains("no answer"))
            #expect(StatusText.headline(status).contains("NO ANSWER from loop-1"))
            let requests = try await onThread { try client.get("/requests").value }
            #expect(requests["silent_loops"] == ["loop-1"])
            // Whose id begins so may be the silent loop's.
            let kill = try await onThread { try client.post("/kill", ["id": "0"]) }
            #expect(kill.status == 503)
            #expect(kill.error.contains("loop-1"))
            stop.open()
            await admin.stop()
            #expect(access(path, F_OK) != 0)
        }
    }
}
