// swift-tools-version: 6.2

import PackageDescription

/// Import direction is the architecture (docs/ARCHITECTURE.md): a target may import only what it lists here, and
/// every build of ours runs with `--explicit-target-dependency-import-check error`, so any other import fails it.
let houseRules: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let deque = product(name: "DequeModule", package: "swift-collections")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioHTTPTypesHTTP1 = product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams = product(name: "Yams", package: "Yams")
}

extension Target {
    /// One part of the house: `imports` is the whole list of what it may import.
    static func part(_ name: String, imports: [Dependency], resources: [Resource] = []) -> Target {
        target(name: name, dependencies: imports, resources: resources, swiftSettings: houseRules)
    }

    /// The tests of one part, with files beside them (tables, vectors, goldens) read from the source tree.
    static func tests(of part: String, imports: [Dependency], exclude: [String] = []) -> Target {
        testTarget(name: "\(part)Tests", dependencies: imports, exclude: exclude, swiftSettings: houseRules)
    }
}

let package = Package(
    name: "signet",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "LicenseToken", targets: ["LicenseToken"]),
        .library(name: "LicenseClient", targets: ["LicenseClient"]),
        .executable(name: "signet", targets: ["signet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The list of DESIGN: imports point only upward.
        .part("Primitives", imports: []),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .part("LicenseToken", imports: ["Primitives", "CZlib", .crypto]),
        .part("LicenseClient", imports: ["Primitives", "LicenseToken", .crypto]),
        .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .part("Database", imports: ["Primitives", "CPQ", .deque, .grdb, .grdbSQLite]),
        .part("Cluster", imports: ["Primitives", "Database"]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .part("Secrets", imports: ["Primitives", "Database", "CSodium", .crypto]),
        .part("Journal", imports: ["Primitives", "Database", "Secrets", .crypto]),
        .part("Access", imports: ["Primitives", "Database", "Secrets", "Journal", .crypto]),
        .part("Customers", imports: ["Primitives", "Database", "Journal"]),
        .systemLibrary(name: "CPSL", pkgConfig: "libpsl", providers: [.apt(["libpsl-dev"])]),
        .part("Upkeep", imports: ["Primitives", "Database", "Secrets", "Journal", .crypto]),
        .systemLibrary(name: "CIDN2", pkgConfig: "libidn2", providers: [.apt(["libidn2-dev"])]),
        .part(
            "Licensing",
            imports: [
                "Primitives", "LicenseToken", "Database", "Cluster", "Secrets", "Journal", "Access", "Customers",
                "CIDN2",
                "CPSL", .crypto, .deque, .logging, .serviceLifecycle,
            ]
        ),
        .part(
            "HTTPAPI",
            imports: [
                "Primitives", "LicenseToken", "Database", "Cluster", "Secrets", "Journal", "Access", "Customers",
                "Upkeep",
                "Licensing",
                .hummingbird, .hummingbirdCore, .httpTypes, .logging, .nioCore, .nioHTTP1, .nioHTTPTypes,
                .nioHTTPTypesHTTP1,
            ],
            resources: [.embedInCode("Resources/openapi.yaml")]
        ),
        .part(
            "SignetApp",
            imports: [
                "Primitives", "LicenseToken", "Database", "Cluster", "Secrets", "Journal", "Access", "Customers",
                "Upkeep",
                "Licensing", "HTTPAPI",
                .asyncHTTPClient, .hummingbird, .httpTypes, .logging, .nioCore, .nioHTTP1, .nioPosix,
                .serviceLifecycle,
                .unixSignals, .yams,
            ]
        ),
        .executableTarget(
            name: "signet",
            dependencies: [
                "Primitives", "LicenseToken", "Database", "Secrets", "Upkeep", "Licensing", "SignetApp",
                .argumentParser, .logging,
            ],
            swiftSettings: houseRules
        ),
        .executableTarget(
            name: "license-check", dependencies: ["LicenseClient", "LicenseToken"], path: "Examples/swift",
            exclude: ["README.md"], swiftSettings: houseRules
        ),

        .executableTarget(
            name: "IndexBench",
            dependencies: ["Primitives", "Secrets", "Licensing"],
            path: "Benchmarks/IndexBench",
            swiftSettings: houseRules
        ),

        .target(
            name: "TestSupport",
            dependencies: [
                "Primitives", "LicenseToken", "Database", "Cluster", "Secrets", "Journal", "Access", "Customers",
                "Upkeep",
                "Licensing", .crypto,
            ],
            path: "Tests/TestSupport",
            swiftSettings: houseRules
        ),
        .tests(of: "Primitives", imports: ["Primitives", "TestSupport"]),
        .tests(of: "LicenseToken", imports: ["LicenseToken", "Primitives", .crypto], exclude: ["Vectors"]),
        .tests(of: "LicenseClient", imports: ["LicenseClient", "LicenseToken", "Primitives", "TestSupport"]),
        .tests(of: "Database", imports: ["Database", "TestSupport", .grdb]),
        .tests(of: "Cluster", imports: ["Cluster", "Licensing", "Secrets", "Database", "Primitives", "TestSupport"]),
        .tests(
            of: "Journal",
            imports: ["Journal", "Customers", "Secrets", "Database", "Primitives", "TestSupport", .grdb]),
        .tests(
            of: "Upkeep",
            imports: ["Upkeep", "Licensing", "Journal", "Secrets", "Database", "Primitives", "TestSupport", .grdb]),
        .tests(
            of: "Access",
            imports: ["Access", "Licensing", "Journal", "Secrets", "Database", "Primitives", "TestSupport"]
        ),
        .tests(
            of: "Licensing",
            imports: [
                "Licensing", "LicenseToken", "Customers", "Journal", "Secrets", "Cluster", "Database", "Primitives",
                "TestSupport",
            ],
            exclude: ["Tables", "Golden"]
        ),
        .tests(
            of: "HTTPAPI",
            imports: [
                "HTTPAPI", "Licensing", "LicenseToken", "Access", "Journal", "Customers", "Upkeep", "Cluster",
                "Database",
                "Primitives", "TestSupport", .hummingbird, .hummingbirdCore, .httpTypes, .logging, .nioCore,
                .nioEmbedded, .nioHTTPTypes, .nioPosix, .yams,
            ],
            exclude: ["Golden"]
        ),
        .tests(
            of: "SignetApp",
            imports: [
                "SignetApp", "Licensing", "Customers", "Journal", "Secrets", "Upkeep", "Database", "Primitives",
                "TestSupport", .logging,
            ],
            exclude: ["Golden"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
