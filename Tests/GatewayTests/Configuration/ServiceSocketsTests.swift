import Foundation
import Testing

@testable import Gateway

/// Where a command finds the daemon of a configuration file.
@Suite struct ServiceSocketsTests {
    private func admin(_ file: String, _ environment: [String: String] = [:]) -> String? {
        try? ServiceSockets.admin(of: file, environment: environment)
    }

    private func handover(_ file: String, _ environment: [String: String] = [:]) -> String? {
        try? ServiceSockets.handover(of: file, environment: environment)
    }

    @Test func `the sockets are found in a file that a shell cannot load`() throws {
        try withFolder { folder in
            let file = try folder.write(
                "c.yaml",
                "backends: {a: {dialect: openai, url: \"${NOT_SET}\"}}\nadmin: {socket: /run/y.sock}\nhandover: {socket: h}\n"
            )
            #expect(admin(file) == "/run/y.sock")
            #expect(handover(file) == "\(folder.path)/h")
        }
    }

    @Test func `a file without them leads to the unit's, whose environment that is, or nowhere`() throws {
        try withFolder { folder in
            for text in [minimal, "{", "- a"] {
                let file = try folder.write("d.yaml", text)
                #expect(admin(file) == nil && handover(file) == nil)
            }
            let file = try folder.write("d.yaml", minimal)
            #expect(admin(file, ["RUNTIME_DIRECTORY": "/run/a:/run/b"]) == "/run/a/admin.sock")
            #expect(handover(file, ["RUNTIME_DIRECTORY": "/run/a:/run/b"]) == "/run/a/handover.sock")
            #expect(admin(folder.path + "/none", ["RUNTIME_DIRECTORY": "/run/a"]) == nil)
        }
    }

    @Test(arguments: [
        ("/etc/headgate/headgate.yaml", "/run/headgate"), ("/etc/headgate/second.yaml", "/run/headgate-second"),
        ("/etc/headgate/a-b.yaml", "/run/headgate-a-b"), ("/etc/headgate/.yaml", nil), ("/etc/headgate/a.yml", nil),
        ("/etc/headgate/x/a.yaml", nil), ("/etc/a.yaml", nil), ("etc/headgate/a.yaml", nil), ("headgate.yaml", nil),
    ])
    func `packaged units`(file: String, directory: String?) {
        #expect(ServiceSockets.runtimeDirectory(of: file) == directory)
    }
}
