/// The manual page headgate.yaml(5), written from the tables that the loader reads by.
public enum ConfigurationManual {
    /// A configuration that loads, as the page shows it.
    static let example = """
        listen: ["127.0.0.1:8080", "unix:/run/headgate/headgate.sock"]
        backends:
          mock: {dialect: mock}
          local: {dialect: openai, url: "http://127.0.0.1:18080/v1"}
        models:
          demo: {backend: mock}
          gemma: {backend: local, model: gemma3-270m, params: {temperature: 0}}
        routes:
          /: {model: demo, output: text}
          /chat: {model: gemma, timeouts: {first_token: 20s}}
        """

    /// The page's source.
    ///
    /// - Parameter date: the day it describes, as `2026-11-28`.
    public static func source(date: String) -> String {
        var page = ManualPage(name: "headgate.yaml", section: 5, date: date)
        page.section("NAME")
        page.name("headgate.yaml", "configuration of the LLM gateway headgate")
        page.section("DESCRIPTION")
        for text in description { page.paragraph(text) }
        page.section("KEYS")
        for section in ConfigurationReference.sections {
            if let name = section.name {
                page.subsection(name)
                page.paragraph(section.summary)
            }
            for key in section.keys { page.entry(key.path, key.summary, note: note(key)) }
        }
        page.section("EXAMPLES")
        page.example(example)
        page.section("FILES")
        page.entry("/etc/headgate/headgate.yaml", "What `headgate serve` reads when `--config` names no other file.")
        page.entry(
            "/etc/headgate/credentials/",
            "Keys, root's alone. `LoadCredential` in the unit hands them to the service, and the configuration names them as "
                + "`${CREDENTIALS_DIRECTORY}/NAME`."
        )
        page.entry("/etc/headgate/environment", "Lines of `NAME=value`, which the unit puts into the environment.")
        page.section("SEE ALSO")
        page.paragraph("`headgate(1)`, `systemd.exec(5)`")
        return page.source
    }

    private static let description = [
        "The configuration says where headgate listens, which servers it asks, and what it offers at which path. It is one YAML "
            + "document. `headgate check --config FILE` names every mistake with its line, and prints what the file comes to, "
            + "defaults included.",
        "`NAME` and `PATH` stand for names that you choose, `[]` for an entry of a list. Durations carry a unit (`500ms`, `10s`, `2m`, "
            + "`1h`), sizes may (`8KiB`, `32MiB`, `1MB`). Relative paths start at the file's folder. Unknown keys are errors.",
        "`${NAME}` and `${NAME:-default}` come from the environment; `$$` is a dollar sign; inside `{ }` quote them.",
        "A reload reads the file again: all of it, or nothing if there is a mistake.",
    ]

    /// Type and default, as the reference has them.
    private static func note(_ key: ConfigurationKey) -> String {
        if key.isRequired { return "\(key.type); required" }
        if let value = key.defaultValue { return "\(key.type); default `\(value)`" }
        return key.defaultNote.map { "\(key.type); default: \($0)" } ?? key.type
    }
}
