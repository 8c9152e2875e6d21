import Glibc
import Runnable

/// A chat model that counts the calls that are inside it.
struct InFlightModel<Model: ChatModel>: ChatModel {
    private let model: Model
    private let inFlight: InFlight

    init(_ model: Model, _ inFlight: InFlight) {
        self.model = model
        self.inFlight = inFlight
    }

    func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        inFlight.enter()
        defer { inFlight.leave() }
        return try await model.ainvoke(input, config: config)
    }
}

/// A model with a blocking call and nothing else: all its other methods are the defaults of ``Runnable``, and the asynchronous ones
/// run `invoke` on the bounded thread pool.
struct BlockingModel: Runnable {
    let latency: Duration
    private let inFlight: InFlight

    init(latency: Duration, _ inFlight: InFlight) {
        self.latency = latency
        self.inFlight = inFlight
    }

    func invoke(_ input: ChatPrompt, config: RunConfig) throws -> Message {
        inFlight.enter()
        defer { inFlight.leave() }
        usleep(UInt32(latency.components.attoseconds / 1_000_000_000_000))  // under a second
        return .ai("blocking answer")
    }
}
