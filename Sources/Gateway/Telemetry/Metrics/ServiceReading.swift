/// What the process says of itself at one moment, apart from what loops count.
struct ServiceReading: Sendable {
    /// Permits of pipelines.
    var permitsHeld = 0
    var permitsWaiting = 0
    /// Limits of pipelines' steps.
    var steps = SharedSteps.Reading()
    var logLinesDropped = 0
    var spansExported = 0
    var spansLost: [(reason: String, count: Int)] = []
    var isDraining = false
    /// In seconds.
    var uptime = 0.0
    /// In seconds since 1970.
    var processStart = 0.0
    var reloads = ReloadRecord()
    var scrapesRefused = 0
}

/// How the configuration in force came to be so.
struct ReloadRecord: Sendable {
    /// The first 16 digits of a SHA-256 of the configuration without its secrets.
    var hash = ""
    var wasSuccessful = true
    /// When it was taken over, in seconds since 1970.
    var time = 0.0
    var successes = 0
    var failures = 0
}
