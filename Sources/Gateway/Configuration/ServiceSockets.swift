import Glibc

/// Where the daemon's sockets are that serves a configuration file: for commands, which do not have the daemon's environment, and must
/// find that daemon or none.
public enum ServiceSockets {
    /// Why a file leads to no socket.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// In words for operators.
        public let description: String
    }

    /// The admin socket, whatever else is wrong with the file: `admin.socket`, else the one in the unit's runtime directory. Blocks.
    ///
    /// - Parameter environment: the command's own. Its `RUNTIME_DIRECTORY` counts before the packaged units' ones: the command then
    ///   is one of a unit.
    /// - Throws: ``Failure`` for a file that is not there or cannot be read, and where there is no such socket.
    public static func admin(of file: String, environment: [String: String]) throws(Failure) -> String {
        let settings = try section("admin", of: file, AdminSettings(), AdminSettings.fields, environment)
        let directory = environment["RUNTIME_DIRECTORY"] ?? runtimeDirectory(of: file)
        if let path = settings?.path(runtimeDirectory: directory) { return path }
        throw Failure(description: "no admin.socket in \(file); give --socket")
    }

    /// The handover socket, in the same way.
    public static func handover(of file: String, environment: [String: String]) throws(Failure) -> String {
        let settings = try section("handover", of: file, HandoverSettings(), HandoverSettings.fields, environment)
        let directory = environment["RUNTIME_DIRECTORY"] ?? runtimeDirectory(of: file)
        if let path = settings?.socketPath(runtimeDirectory: directory) { return path }
        throw Failure(description: "no handover.socket in \(file); give --socket")
    }

    /// The runtime directory of the packaged unit that serves a file: `headgate.service`, or `headgate@NAME.service` for
    /// `/etc/headgate/NAME.yaml`. Nil for other files.
    static func runtimeDirectory(of file: String) -> String? {
        // The file may be a link to anywhere; the unit names it as it stands here.
        let slash = file.lastIndex(of: "/")
        let folder = absolute(slash.map { String(file[..<$0]) } ?? ".")
        let isWhole = file.hasPrefix("/etc/headgate/")
        let named = isWhole ? file : "\(folder)/\(file.split(separator: "/").last ?? "")"
        let parts = named.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[..<3] == ["", "etc", "headgate"], parts[3].hasSuffix(".yaml") else { return nil }
        let name = parts[3].dropLast(5)
        guard !name.isEmpty else { return nil }
        return name == "headgate" ? "/run/headgate" : "/run/headgate-\(name)"
    }

    /// Whether two paths, the first as seen from here, lead to the same file.
    ///
    /// - Parameter pid: the process whose working directory the second path starts at where it is relative; 0 where nobody knows.
    static func isSame(_ file: String, _ other: String, of pid: Int32) -> Bool {
        if other.hasPrefix("/") { return absolute(file) == absolute(other) }
        if let directory = target(of: "/proc/\(pid)/cwd") { return absolute(file) == absolute("\(directory)/\(other)") }
        // The rest of its path is not ours to know.
        return file.split(separator: "/").last == other.split(separator: "/").last
    }

    /// Every default where the file says nothing of it; nil where it cannot be told what it says.
    private static func section<Settings>(
        _ name: String,
        of file: String,
        _ defaults: Settings,
        _ fields: [Field<Settings>],
        _ environment: [String: String]
    ) throws(Failure) -> Settings? {
        let content: SmallFile
        switch SmallFile.read(file, limit: 1 << 20) {
        case .success(let read): content = read
        case .failure(let failure):
            // What the daemon's user may read, others may not have to.
            if access(file, F_OK) == 0, access(file, R_OK) != 0, runtimeDirectory(of: file) != nil { return defaults }
            throw Failure(description: "\(file): cannot be read: \(failure.reason)")
        }
        let slash = file.lastIndex(of: "/")
        let directory = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
        let context = LoadContext(file: file, directory: directory, environment: environment)
        var reader = YAMLReader(context: context)
        guard let root = reader.read(String(decoding: content.bytes, as: UTF8.self)),
            case .map(let entries) = root.content
        else {
            return runtimeDirectory(of: file) == nil ? nil : defaults
        }
        var settings = defaults
        if let section = entries.first(where: { $0.key == name }) {
            fields.read(into: &settings, from: section.value, at: .root.child(name), in: context)
        }
        return settings
    }

    /// Without links and dots, as far as it exists.
    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func target(of link: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink(link, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
