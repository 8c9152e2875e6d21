// swift-tools-version: 6.2
import PackageDescription

/// Settings every Swift target shares: strict concurrency (Swift 6 mode) and imports that stay private unless said.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// For the targets on the request path, which are no library product: debug builds and tests check exclusive access as they run;
/// the released daemon spends 4 % of its instructions on it and goes without.
let fast: [SwiftSetting] =
    strict + [
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
    ]

let package = Package(
    name: "headgate",
    products: [
        .executable(name: "headgate", targets: ["headgate"]),
        .library(name: "Runnable", targets: ["Runnable"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // C headers live in these three and nowhere else.
        .systemLibrary(name: "CLibevent", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        .target(name: "WorkerPool", swiftSettings: strict),
        .target(name: "EventLoop", dependencies: ["CLibevent", "WorkerPool"], swiftSettings: fast),
        .target(name: "TLS", dependencies: ["COpenSSL"], swiftSettings: fast),
        .target(name: "JSON", dependencies: ["CSimdJSON"], swiftSettings: fast),
        .target(
            name: "HTTP",
            dependencies: ["EventLoop", "TLS", "JSON", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: fast
        ),
        .target(name: "Runnable", dependencies: ["WorkerPool"], swiftSettings: strict),
        // Apart from Runnable, because the package behind it needs Foundation.
        .target(
            name: "MustachePrompts",
            dependencies: ["Runnable", .product(name: "Mustache", package: "swift-mustache")],
            swiftSettings: strict
        ),
        .target(name: "Providers", dependencies: ["EventLoop", "HTTP", "JSON", "Runnable"], swiftSettings: fast),
        .target(
            name: "Gateway",
            dependencies: [
                "EventLoop", "TLS", "HTTP", "JSON", "Runnable", "MustachePrompts", "Providers", "WorkerPool",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            // Embedded as PlaygroundSources.swift, which a test compares.
            exclude: ["Doors/Playground/Page"],
            swiftSettings: fast
        ),
        .executableTarget(
            name: "headgate",
            dependencies: [
                "EventLoop", "Gateway", "Providers", "Runnable", .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // What the Runnable layer is for, in numbers; no part of the daemon.
        .executableTarget(
            name: "Examples",
            dependencies: ["EventLoop", "Providers", "Runnable", "WorkerPool"],
            path: "Examples",
            exclude: ["README.md"],
            swiftSettings: strict
        ),

        // Certificates for tests, made as they run.
        .target(
            name: "TestAuthority",
            dependencies: ["COpenSSL"],
            path: "Tests/Support/TestAuthority",
            swiftSettings: strict
        ),

        // An upstream that says exactly what it is told to.
        .target(
            name: "ScriptedUpstream",
            dependencies: ["WorkerPool"],
            path: "Tests/Support/ScriptedUpstream",
            swiftSettings: strict
        ),

        .testTarget(name: "WorkerPoolTests", dependencies: ["WorkerPool"], swiftSettings: strict),
        .testTarget(
            name: "EventLoopTests",
            dependencies: ["EventLoop", "CLibevent", "WorkerPool"],
            swiftSettings: strict
        ),
        .testTarget(name: "TLSTests", dependencies: ["TLS", "COpenSSL", "TestAuthority"], swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
        .testTarget(
            name: "HTTPTests",
            dependencies: ["HTTP", "EventLoop", "TLS", "WorkerPool", "TestAuthority"],
            swiftSettings: strict
        ),
        .testTarget(name: "RunnableTests", dependencies: ["Runnable", "WorkerPool"], swiftSettings: strict),
        .testTarget(
            name: "MustachePromptsTests",
            dependencies: ["MustachePrompts", "Runnable"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ProvidersTests",
            dependencies: ["Providers", "EventLoop", "TLS", "HTTP", "JSON", "Runnable", "ScriptedUpstream"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ExamplesTests",
            dependencies: ["Examples", "EventLoop", "Providers", "Runnable"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "EventLoop", "HTTP", "JSON", "Providers", "Runnable", "WorkerPool", "ScriptedUpstream",
                "TestAuthority",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Doors/LangServe/LZStringVectors.json"],
            swiftSettings: strict
        ),
        // Drives the built executable, so it only names what it reads answers with.
        .testTarget(
            name: "DaemonTests",
            dependencies: ["headgate", "Runnable", "TestAuthority"],
            swiftSettings: strict
        ),
    ],
    cxxLanguageStandard: .cxx17
)
