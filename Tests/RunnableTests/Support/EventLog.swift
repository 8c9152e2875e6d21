import Runnable
import WorkerPool

/// Keeps the events it is told of.
final class EventLog: RunObserver {
    private let events = Locked<[RunEvent]>([])

    func observe(_ event: RunEvent) { events.withLock { $0.append(event) } }

    var all: [RunEvent] { events.withLock { $0 } }

    /// Runs that began and have not ended.
    var openRuns: Int {
        all.reduce(0) { open, event in
            switch event.phase {
            case .start: open + 1
            case .end, .error: open - 1
            case .stream, .custom: open
            }
        }
    }

    /// The events as text, such as `inc start 1`, `inc stream 2`, `inc end 2 of 1`.
    var lines: [String] {
        all.map { event in
            switch event.phase {
            case .start(let input): "\(event.name) start" + (input.map { " \(text($0))" } ?? "")
            case .stream(let chunk): "\(event.name) stream \(text(chunk))"
            case .end(let output, let input):
                "\(event.name) end \(output.map(text) ?? "-") of \(input.map(text) ?? "-")"
            case .error(let error): "\(event.name) error \(error)"
            case .custom(let name, let data): "custom \(name) \(text(data))"
            }
        }
    }

    private func text(_ value: RunValue) -> String {
        switch value {
        case .value(let value), .snapshot(let value): value.jsonText
        case .message(let message): message.content.text
        case .chunk(let chunk): "+" + chunk.content.text
        case .prompt(let prompt): prompt.messages.map(\.content.text).joined(separator: "/")
        case .object(let members): "{" + members.all.map { "\($0.key):\(text($0.value))" }.joined(separator: ",") + "}"
        case .list(let elements): "[" + elements.map(text).joined(separator: ",") + "]"
        }
    }
}
