extension Field {
    typealias KeyPathTo<Value> = any WritableKeyPath<Root, Value> & Sendable

    /// A key that is sent as `Authorization: Bearer`, in the file itself or in a variable.
    static func apiKey(_ key: KeyPathTo<Secret?>, file: KeyPathTo<String?>) -> Field {
        let type = ValueType<Secret>.secret
        return Field(
            name: "api_key",
            type: type.name,
            summary: "Sent as `Authorization: Bearer`; best from a variable."
        ) {
            root,
            node,
            place,
            context in
            // `${VAR:-}` makes the key optional; an empty key written any other way is a mistake.
            if case .scalar(let scalar) = node.content, scalar.isEmptyByDefault { return }
            if let value = type.read(node, at: place, in: context) { root[keyPath: key] = value }
        } write: { root in
            root[keyPath: file] == nil ? root[keyPath: key].map { type.format($0) } : nil
        }
    }

    /// The same from a file of its own.
    static func apiKeyFile(_ key: KeyPathTo<Secret?>, file path: KeyPathTo<String?>) -> Field {
        let type = ValueType<String>.file
        return Field(
            name: "api_key_file",
            type: type.name,
            summary: "File that holds the key; a newline at its end is dropped."
        ) {
            root,
            node,
            place,
            context in
            guard let name = type.read(node, at: place, in: context) else { return }
            guard case .success(let file) = SmallFile.read(name, limit: 64 << 10) else {
                context.report(place, "expected a file of at most 64KiB, found \(node.found)")
                return
            }
            var bytes = file.bytes[...]
            while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
            guard Secret.isToken(bytes) else {
                context.report(
                    place,
                    "expected a file with a key of visible ASCII characters, found something else in \(node.found)"
                )
                return
            }
            root[keyPath: key] = Secret(String(decoding: bytes, as: UTF8.self))
            root[keyPath: path] = name
            if file.isWorldReadable {
                context.warn(place, "the key file can be read by every user of this machine; chmod 600 it")
            }
        } write: {
            $0[keyPath: path].map { .text($0) }
        }
    }

    /// Fields of every request.
    static func headers(_ path: KeyPathTo<[HeaderSetting]>) -> Field {
        Field(name: "headers", type: "names with values", summary: "Fields added to every request.") {
            root,
            node,
            place,
            context in
            node.forEachEntry(at: place, in: context) { entry, place in
                if let header = HeaderSetting.read(entry, at: place, in: context) { root[keyPath: path].append(header) }
            }
        } write: { root in
            guard !root[keyPath: path].isEmpty else { return nil }
            return .map(
                root[keyPath: path].map {
                    (key: $0.name, value: .text($0.isSecret ? Secret.redacted : $0.value.reveal()))
                }
            )
        }
    }
}

extension ValueType where Value == Secret {
    /// A credential for a header field. What is written there is never repeated.
    static var secret: ValueType {
        ValueType("secret") { scalar, _ in
            guard !scalar.isNull, Secret.isToken(scalar.text.utf8) else {
                let isEmpty = scalar.isNull || scalar.text.isEmpty
                return .failure(Mismatch(expected: "a key of visible ASCII characters", hidesValue: !isEmpty))
            }
            return .success(Secret(scalar.text))
        } format: { _ in
            .text(Secret.redacted)
        }
    }
}

extension Secret {
    /// Whether bytes can be a credential: visible ASCII, no blanks, at most 8 KiB.
    static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.count <= 8192 && bytes.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

extension HeaderSetting {
    /// Fields that belong to the exchange itself; setting them would break framing or negotiation.
    private static let ours: Set<String> = [
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect",
        "host",
        "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// Reads one entry of `headers`. Values are never repeated in errors: most are credentials.
    static func read(_ entry: SettingEntry, at place: SettingPath, in context: LoadContext) -> HeaderSetting? {
        guard isFieldName(entry.key) else {
            context.report(place, "expected the name of a header field")
            return nil
        }
        guard !ours.contains(entry.key.lowercased()) else {
            context.report(place, "this field belongs to the exchange itself and cannot be set")
            return nil
        }
        guard case .scalar(let scalar) = entry.value.content, !scalar.isNull else {
            context.report(place, entry.value, Mismatch(expected: "a text"))
            return nil
        }
        guard isFieldValue(scalar.text) else {
            let expected = "visible ASCII characters, blanks only between them"
            context.report(place, entry.value, Mismatch(expected: expected, hidesValue: true))
            return nil
        }
        return HeaderSetting(
            name: entry.key,
            value: scalar.text,
            isSecret: scalar.hasVariables || looksSecret(entry.key)
        )
    }
}
