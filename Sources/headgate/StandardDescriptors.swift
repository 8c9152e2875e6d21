import Glibc

/// The descriptors 0 to 2.
enum StandardDescriptors {
    /// Opens what is closed of them on `/dev/null`: else a socket gets the number, and log lines are written to it.
    static func ensure() {
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            guard descriptor >= 0 else { return }
            if descriptor > STDERR_FILENO {
                close(descriptor)
                return
            }
        }
    }
}
