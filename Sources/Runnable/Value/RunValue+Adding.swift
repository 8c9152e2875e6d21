extension RunValue: AddableChunk {
    /// Adds the piece that came after this one: JSON as ``Value`` does, pieces of messages as ``MessageChunk`` does, objects member by
    /// member, lists by appending; a snapshot replaces the one before; null yields to the other side. Throws when the two do not fit, and stays as it is then.
    public mutating func add(_ next: RunValue) throws(ChunkAdditionError) {
        switch (self, next) {
        case (_, .value(.null)): break
        case (.value(.null), _), (.snapshot, .snapshot): self = next
        case (.value(var sum), .value(let value)):
            self = .null  // gives up this one's reference, so that text grows in place
            do throws(ChunkAdditionError) { try sum.add(value) } catch {
                self = .value(sum)
                throw error
            }
            self = .value(sum)
        case (.chunk(var sum), .chunk(let piece)):
            self = .null
            do throws(ChunkAdditionError) { try sum.add(piece) } catch {
                self = .chunk(sum)
                throw error
            }
            self = .chunk(sum)
        default:
            if let later = next.members, var sum = members {
                try sum.add(later)
                self = RunValue(sum)
            } else if let later = next.elements, let earlier = elements {
                self = RunValue(earlier + later)
            } else {
                throw ChunkAdditionError(path: "", reason: "cannot add \(next.typeName) to \(typeName)")
            }
        }
    }
}

extension RunValue.Members {
    /// Adds the members that came later.
    mutating func add(_ later: RunValue.Members) throws(ChunkAdditionError) {
        for member in later.all {
            guard var sum = self[member.key] else {
                self[member.key] = member.value
                continue
            }
            do throws(ChunkAdditionError) { try sum.add(member.value) } catch { throw error.under(member.key) }
            self[member.key] = sum
        }
    }
}
