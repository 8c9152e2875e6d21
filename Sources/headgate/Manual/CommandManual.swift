import Gateway

/// The manual page headgate(1): the commands from ArgumentParser's own description of them, the rest from here.
enum CommandManual {
    /// - Parameter date: the day it describes, as `2026-11-28`.
    /// - Throws: `DecodingError` when ArgumentParser describes commands in another form than it did.
    static func source(date: String) throws -> String {
        let program = try CommandDescription.headgate()
        var page = ManualPage(name: "headgate", section: 1, date: date)
        page.section("NAME")
        page.name("headgate", "an LLM gateway")
        page.section("SYNOPSIS")
        for command in program.allSubcommands { page.usage(command.usage) }
        page.section("DESCRIPTION")
        page.paragraph(program.abstract ?? "")
        page.prose(program.discussion ?? "")
        page.section("COMMANDS")
        for command in program.allSubcommands { describe(command, on: &page) }
        page.section("COMMON OPTIONS")
        page.entry("-h, --help", "Explains the program, or the command before it.")
        page.entry("--version", "Prints the version.")
        for (title, entries) in [
            ("EXIT STATUS", exitStatus), ("SIGNALS", signals), ("ENVIRONMENT", environment), ("FILES", files),
        ] {
            page.section(title)
            for entry in entries { page.entry(entry.term, entry.text) }
        }
        page.section("SEE ALSO")
        page.paragraph("`headgate.yaml(5)`, `systemctl(1)`, `journalctl(1)`, `curl(1)`")
        return page.source
    }

    private static func describe(_ command: CommandDescription, on page: inout ManualPage) {
        page.subsection(command.fullName)
        if let abstract = command.abstract { page.paragraph(abstract) }
        if let discussion = command.discussion { page.prose(discussion) }
        var title: String?
        for argument in command.ownArguments {
            if argument.sectionTitle != title, let next = argument.sectionTitle { page.paragraph("\(next):") }
            title = argument.sectionTitle
            page.entry(argument.term, argument.abstract ?? "", note: note(argument))
        }
    }

    private static func note(_ argument: CommandDescription.Argument) -> String? {
        let values = argument.allValues.map { "one of " + $0.map { "`\($0)`" }.joined(separator: ", ") }
        let fallback = argument.defaultValue.map { "default `\($0)`" }
        let parts = [argument.discussion, values, fallback].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    // MARK: What no table knows

    private static let exitStatus: [(term: String, text: String)] = [
        ("0", "In order, also after SIGTERM."),
        ("1", "Failed at work: a port that is taken, for example."),
        ("64", "Wrong arguments."),
        ("78", "Wrong configuration. Standard error names every mistake with file, line and key."),
    ]

    private static let signals: [(term: String, text: String)] = [
        (
            "SIGTERM, SIGINT",
            "Stop accepting. Requests under way get `server.drain_timeout` to finish, then end with an error. A second signal ends "
                + "them at once."
        ),
        ("SIGHUP", "Read the configuration and the certificates again: all of it, or nothing if there is a mistake."),
    ]

    /// Every variable that the program reads; a test looks for others in the sources.
    private static let environment: [(term: String, text: String)] = [
        ("<NAME>", "Any variable that the configuration asks for by `${NAME}`."),
        (
            "CREDENTIALS_DIRECTORY",
            "Where systemd puts the credentials of a unit; a configuration names keys in it by `${CREDENTIALS_DIRECTORY}/NAME`."
        ),
        ("NOTIFY_SOCKET", "Where systemd hears that the service is ready, reloads or stops. See `sd_notify(3)`."),
        (
            "WATCHDOG_USEC, WATCHDOG_PID",
            "How often systemd expects to be told that every loop turns, in microseconds, and by which process."
        ),
        (
            "LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
            "Listening sockets that systemd has opened for this process. See `sd_listen_fds(3)`."
        ),
        ("HEADGATE_ADMIN_SOCKET", "The daemon's admin socket, for commands that look in or take hold."),
        ("RUNTIME_DIRECTORY", "The folder that systemd has made for the unit's sockets, such as `/run/headgate`."),
        (
            "OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES",
            "What spans say of the service, where `tracing` does not say it: its name, and `key=value` pairs with commas between them."
        ),
        ("JOURNAL_STREAM", "Tells whether standard error is the journal, for `log.format: auto`."),
        ("SYSLOG_IDENTIFIER", "The name of its entries in the journal, `headgate` unless set."),
        ("NO_COLOR, TERM", "Log lines on a terminal are plain where `NO_COLOR` is not empty or `TERM` is `dumb`."),
        ("COLUMNS, LINES", "The size of the terminal for `top`, where the terminal itself does not tell."),
        ("SOURCE_DATE_EPOCH", "The date of manual pages, in seconds since 1970, instead of today."),
    ]

    private static let files: [(term: String, text: String)] = [
        (
            ConfigurationOptions.systemFile,
            "The configuration of `serve`, `check` and `graph` where `--config` names none. See `headgate.yaml(5)`."
        ),
        ("/etc/headgate/credentials/", "Keys and certificates for `LoadCredential` in the unit; root's alone."),
        ("/etc/headgate/environment", "Lines of `NAME=value` for the service; optional."),
        (
            "/run/headgate/",
            "Unix sockets of the service; `/run/headgate-NAME/` for `headgate@NAME`, which serves `/etc/headgate/NAME.yaml`."
        ),
    ]
}
