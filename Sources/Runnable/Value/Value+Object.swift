extension Value {
    /// The members of a JSON object, in the order they were added.
    ///
    /// Two objects are equal when they have equal values under the same keys, whatever the order.
    /// Look-up is a scan up to 16 members and a hash table above, so a hostile object costs no more than its size.
    public struct Object: Sendable {
        /// One key and its value.
        public struct Member: Sendable, Hashable {
            /// The key, unescaped.
            public var key: String
            /// The value under the key.
            public var value: Value
        }

        private static let largestScan = 16

        private var members: [Member] = []
        /// Where each key stands in `members`; empty while a scan is good enough.
        private var places: [String: Int] = [:]

        /// An object without members.
        public init() {}

        /// An object of the given members; of equal keys the last value wins and stands where the first stood.
        public init(_ elements: some Sequence<(String, Value)>) {
            for (key, value) in elements { self[key] = value }
        }

        /// Makes room for so many members, where that is known.
        public mutating func reserveCapacity(_ count: Int) { members.reserveCapacity(count) }

        /// The keys in order.
        public var keys: [String] { members.map(\.key) }

        /// The value under `key`, nil when absent. Setting nil removes the member; setting a new key appends it.
        public subscript(key: String) -> Value? {
            get {
                guard let place = place(of: key) else { return nil }
                return members[place].value
            }
            set {
                switch (place(of: key), newValue) {
                case (let place?, let value?): members[place].value = value
                case (nil, let value?): append(Member(key: key, value: value))
                case (let place?, nil): remove(at: place)
                case (nil, nil): break
                }
            }
        }

        private func place(of key: String) -> Int? {
            if members.count > Self.largestScan { return places[key] }
            return members.firstIndex { $0.key == key }
        }

        private mutating func append(_ member: Member) {
            members.append(member)
            if members.count == Self.largestScan + 1 {
                index()
            } else if members.count > Self.largestScan {
                places[member.key] = members.count - 1
            }
        }

        private mutating func remove(at place: Int) {
            members.remove(at: place)
            places = [:]
            if members.count > Self.largestScan { index() }
        }

        private mutating func index() {
            for (place, member) in members.enumerated() { places[member.key] = place }
        }
    }
}

extension Value.Object: RandomAccessCollection {
    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of members.
    public var endIndex: Int { members.count }
    /// The member at a position in order.
    public subscript(position: Int) -> Member { members[position] }
}

extension Value.Object: Hashable {
    /// Equal keys and values, in any order.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }

    /// Order does not matter, so the members' own hashes are combined with exclusive or.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for member in members { combined ^= member.hashValue }
        hasher.combine(count)
        hasher.combine(combined)
    }
}

extension Value.Object: ExpressibleByDictionaryLiteral {
    /// The literal's members in its order; of equal keys the last wins.
    public init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }
}
