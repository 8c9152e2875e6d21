/// Ways to cut a text.
enum Pieces {
    static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    /// The text scalar by scalar, cut once at every place, and cut at random places so many times (the same ones in every run).
    static func every(of text: String, random count: Int = 20) -> [[String]] {
        let scalars = Array(text.unicodeScalars)
        var ways = [scalars.map { String($0) }]
        for cut in 0...scalars.count { ways.append([Self.text(scalars[..<cut]), Self.text(scalars[cut...])]) }
        var state = UInt64(truncatingIfNeeded: scalars.count) | 1
        for _ in 0..<count {
            var pieces: [String] = []
            var place = 0
            while place < scalars.count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let next = min(scalars.count, place + Int(state >> 33) % 7)
                pieces.append(Self.text(scalars[place..<next]))
                place = next
            }
            ways.append(pieces)
        }
        return ways
    }
}
