import Testing

/// The completions for shells, tried in bash, which every Debian has.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct CompletionTests {
    /// What bash offers behind `words` when Tab is pressed, run in `folder`.
    private static func completions(of words: String..., in folder: String = "/") throws -> [String] {
        // `compopt` complains outside of a completion that readline began; nothing else of it is missed.
        let script = """
            compopt() { :; }
            source <("$1" --generate-completion-script bash) && cd "$2" && shift 2 || exit 1
            function_name=$(complete -p headgate | sed -E 's/.* -F ([^ ]+) .*/\\1/')
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
            COMP_POINT=${#COMP_LINE}
            "$function_name" headgate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let arguments = ["--norc", "-c", script, "bash", Headgate.path, folder, "headgate"] + words
        let result = try Subprocess.run("bash", arguments)
        #expect(result.ending == .exited(0), "\(result.stderr)")
        #expect(result.stderr.isEmpty, "\(result.stderr)")
        return result.stdout.split(separator: "\n").map { String($0).trimmed }
    }

    @Test func `commands are completed`() throws {
        #expect(try Self.completions(of: "se") == ["serve"])
        let all = try Self.completions(of: "")
        for command in ["serve", "check", "graph", "mock", "version"] { #expect(all.contains(command)) }
        #expect(!all.contains("manual"), "it is hidden")
    }

    @Test func `options and their values are completed`() throws {
        #expect(try Self.completions(of: "serve", "--co") == ["--config"])
        #expect(Set(try Self.completions(of: "graph", "--format", "")) == ["ascii", "mermaid"])
    }

    @Test func `configuration files are completed`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "headgate.yaml")
        try directory.write("", to: "notes.txt")
        #expect(try Self.completions(of: "check", "--config", "", in: directory.path) == ["headgate.yaml"])
    }

    @Test(arguments: [("zsh", "#compdef headgate"), ("fish", "complete -c 'headgate'")])
    func `other shells get theirs`(shell: String, mark: String) throws {
        let result = try Headgate.run("--generate-completion-script", shell)
        #expect(result.ending == .exited(0))
        #expect(result.stdout.contains(mark))
        #expect(result.stdout.contains("mermaid"))
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
