import JSON
import Runnable

/// `GET /docs`: the mounted routes for people, without a script and without anything from elsewhere.
enum DocsPage {
    /// Nothing but the page's own style.
    static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static func body(_ routes: [RouteService], version: String) -> [UInt8] {
        var html = head
        html +=
            "<header><h1>Headgate</h1><p>\(escape(version)) &middot; <a href=\"/openapi.json\">openapi.json</a></p></header><main>"
        for route in routes { html += section(route) }
        html += "</main></body></html>\n"
        return Array(html.utf8)
    }

    private static func section(_ route: RouteService) -> String {
        let settings = route.settings
        let prefix = settings.path == "/" ? "" : settings.path
        let work = settings.pipeline == nil ? "model <code>\(escape(settings.model))</code>" : "pipeline"
        var html = "<section><h2><code>\(escape(settings.path))</code></h2><p>Runs a \(work)"
        html += " and takes \(escape(route.shape.input.description)).</p><ul>"
        for endpoint in RouteSettings.EndpointName.allCases where settings.endpoints.contains(endpoint) {
            let path = escape("\(prefix)/\(endpoint.rawValue)\(endpoint == .playground ? "/" : "")")
            switch endpoint {
            case .inputSchema, .outputSchema, .configSchema, .playground:
                html += "<li><span class=\"get\">GET</span> <a href=\"\(path)\">\(path)</a></li>"
            case .publicTraceLink: html += "<li><span class=\"post\">PUT</span> <code>\(path)</code></li>"
            default: html += "<li><span class=\"post\">POST</span> <code>\(path)</code></li>"
            }
        }
        html += "</ul><h3>Input</h3><pre>\(escape(RouteSchemas(route).input.jsonText))</pre></section>"
        return html
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let head = """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Headgate: routes</title><style>
        :root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
        body{max-width:56rem;margin:0 auto;padding:1rem}
        section{border-top:1px solid #8886;padding:.5rem 0 1rem}
        ul{list-style:none;padding:0}li{margin:.25rem 0}
        .get,.post{display:inline-block;width:3.5rem;font:600 .8rem/1 ui-monospace,monospace}
        pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere}
        code,pre{font-family:ui-monospace,monospace;font-size:.9rem}
        </style></head><body>

        """
}
