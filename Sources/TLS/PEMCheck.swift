/// Whether PEM files can be used, each looked at by itself: for a configuration's checks, which tell all mistakes at once.
///
/// Blocks on the disk.
public enum PEMCheck {
    /// What is wrong with a file of certificates to trust; nil when nothing is.
    public static func trustRoots(_ file: String) -> TLSError? {
        problem { () throws(TLSError) in _ = try TLSContext.client(.init(trustRootsFile: file)) }
    }

    /// What is wrong with a certificate, and with its private key; what is wrong with both together is the key's.
    public static func pair(certificateChainFile: String, privateKeyFile: String) -> (
        certificate: TLSError?, key: TLSError?
    ) {
        let certificate = problem { () throws(TLSError) in _ = try PEMFile(path: certificateChainFile).certificates() }
        let key = problem { () throws(TLSError) in _ = try PEMFile(path: privateKeyFile).privateKey() }
        guard certificate == nil, key == nil else { return (certificate, key) }
        let together = problem { () throws(TLSError) in
            _ = try TLSContext.server(certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile)
        }
        return together?.file == certificateChainFile && certificateChainFile != privateKeyFile
            ? (together, nil) : (nil, together)
    }

    private static func problem(_ body: () throws(TLSError) -> Void) -> TLSError? {
        do throws(TLSError) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
