/// The playground: one page that is served for every route, and finds out by its own address which one it is for.
///
/// It needs nothing but the route's own endpoints: no other file, no other host. Its sources are in `Page/`.
enum PlaygroundPage {
    /// The page, as UTF-8; `text/html; charset=utf-8`.
    static var body: [UInt8] { bytes }

    /// The value of the `Content-Security-Policy` field that the page is served with.
    ///
    /// Nothing is allowed but this very style, this very script, requests to where the page came from, and its icon. Script that
    /// finds its way into the page by other means does not run, and cannot be made of strings.
    static var contentSecurityPolicy: String { policy }

    // Used first on a loop: nothing here may take a while. What needs computing is written into the sources.
    private static let bytes = Array(PlaygroundSources.page.utf8)

    private static let policy = [
        "default-src 'none'",
        "script-src '\(PlaygroundSources.scriptHash)'",
        "style-src '\(PlaygroundSources.styleHash)'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ].joined(separator: "; ")
}
