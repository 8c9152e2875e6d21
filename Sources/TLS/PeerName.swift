import COpenSSL
import Glibc

/// The name or address a client connects to, checked and in the form certificates use.
struct PeerName: Equatable {
    let text: String
    let isAddress: Bool

    /// Takes "example.org", "example.org.", "192.0.2.1", "2001:db8::1", "[2001:db8::1]" and "fe80::1%eth0".
    ///
    /// Throws `.configuration` for anything that cannot be a name in ASCII.
    init(_ name: String) throws(TLSError) {
        var text = Substring(name)
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        let withoutZone = String(text.prefix { $0 != "%" })  // certificates know no zones
        if Self.isAddress(withoutZone) {
            self.text = withoutZone
            isAddress = true
            return
        }
        if text.hasSuffix(".") { text = text.dropLast() }
        let isPlausible = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard (1...253).contains(text.utf8.count), isPlausible else {
            throw .configuration("a server name must be 1 to 253 printable ASCII characters")
        }
        self.text = text.lowercased()
        isAddress = false
    }

    /// No name at all, for servers.
    init(unchecked text: String) {
        self.text = text
        isAddress = false
    }

    private static func isAddress(_ text: String) -> Bool {
        var storage = in6_addr()
        return inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }

    /// Tells OpenSSL to ask for this name, unless it is an address (RFC 6066 3), and to verify it.
    func apply(to ssl: OpaquePointer, verifies: Bool) -> Bool {
        if !isAddress, copenssl_set_server_name(ssl, text) != 1 { return false }
        guard verifies else { return true }
        let rules = SSL_get0_param(ssl)
        // Names come from the alternative names alone, and a wildcard is a whole label (RFC 9525).
        X509_VERIFY_PARAM_set_hostflags(
            rules,
            UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
        )
        if isAddress { return X509_VERIFY_PARAM_set1_ip_asc(rules, text) == 1 }
        return X509_VERIFY_PARAM_set1_host(rules, text, text.utf8.count) == 1
    }
}
