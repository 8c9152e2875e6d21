/// The sum of a stream's pieces. Where pieces cannot be added the last one stands for all, as in LangChain.
class PieceSum<Piece: Sendable> {
    fileprivate(set) var value: Piece?

    fileprivate init() {}

    /// A sum that adds if the type can.
    static func make() -> PieceSum<Piece> {
        func open<Addable: AddableChunk & Sendable>(_ type: Addable.Type) -> AnyObject { AddingPieceSum<Addable>() }
        guard let type = Piece.self as? any (AddableChunk & Sendable).Type else { return PieceSum() }
        return open(type) as? PieceSum<Piece> ?? PieceSum()
    }

    func add(_ piece: Piece) { value = piece }

    /// The sum as the whole that its pieces stand for: itself, or what its type says that they add up to.
    func whole<Whole: Sendable>(as type: Whole.Type) throws -> Whole? {
        guard let value else { return nil }
        if let whole = value as? Whole { return whole }
        if let type = type as? any InPieces.Type, let whole = type.whole(ofAny: value) as? Whole { return whole }
        throw RunError(.internal, detail: "pieces of type \(Piece.self) do not add up to \(Whole.self)")
    }
}

private final class AddingPieceSum<Piece: AddableChunk & Sendable>: PieceSum<Piece> {
    override fileprivate init() { super.init() }

    override func add(_ piece: Piece) {
        guard value != nil else {
            value = piece
            return
        }
        do { try value?.add(piece) } catch { value = piece }
    }
}

/// A type that streams as pieces of another type.
public protocol InPieces: Sendable {
    /// A piece. Pieces add up to the whole.
    associatedtype Piece: AddableChunk, Sendable

    /// What pieces that were added stand for.
    init(sum: Piece)

    /// All of it as one piece.
    var asPiece: Piece { get }
}

extension InPieces {
    fileprivate static func whole(ofAny sum: Any) -> Any? { (sum as? Piece).map { Self(sum: $0) } }

    fileprivate static var pieceType: Any.Type { Piece.self }

    fileprivate static func piece(ofAny whole: Any) -> Any? { (whole as? Self)?.asPiece }
}

extension Message: InPieces {
    /// The message that the chunks added up to.
    public init(sum: MessageChunk) { self.init(sum) }
    /// The message as one final chunk.
    public var asPiece: MessageChunk { MessageChunk(whole: self) }
}

/// Fits what one step streams to what the next one takes.
enum PieceFitting {
    /// The same stream where the types are equal; whole values as one piece each; and where the next step takes a whole, the sum as
    /// one element, without which there is none.
    static func fit<From: Sendable, To: Sendable>(_ stream: RunStream<From>, to type: To.Type) -> RunStream<To> {
        if let same = stream as? RunStream<To> { return same }
        if let whole = From.self as? any InPieces.Type, whole.pieceType == To.self {
            return RunStream { WholesAsPieces(stream) { whole.piece(ofAny: $0) as? To } }
        }
        return RunStream { SummedSource(stream) { try $0.whole(as: To.self) } }
    }
}

/// The sum of a stream as its only element, nothing for a stream without elements.
final class SummedSource<Piece: Sendable, Whole: Sendable>: RunSource {
    private var iterator: RunStream<Piece>.Iterator?
    private let sum = PieceSum<Piece>.make()
    private let whole: (PieceSum<Piece>) throws -> Whole?

    init(_ stream: RunStream<Piece>, _ whole: @escaping (PieceSum<Piece>) throws -> Whole?) {
        iterator = stream.makeAsyncIterator()
        self.whole = whole
    }

    func next() async throws -> Whole? {
        guard iterator != nil else { return nil }
        while let piece = try await iterator?.next() { sum.add(piece) }
        iterator = nil
        return try whole(sum)
    }

    func cancel() { iterator?.cancel() }
}

private final class WholesAsPieces<From: Sendable, To: Sendable>: RunSource {
    private var iterator: RunStream<From>.Iterator
    private let convert: (From) -> To?

    init(_ stream: RunStream<From>, _ convert: @escaping (From) -> To?) {
        iterator = stream.makeAsyncIterator()
        self.convert = convert
    }

    func next() async throws -> To? {
        guard let whole = try await iterator.next() else { return nil }
        guard let piece = convert(whole) else {
            throw RunError(.internal, detail: "\(From.self) has no pieces of type \(To.self)")
        }
        return piece
    }

    func cancel() { iterator.cancel() }
}
