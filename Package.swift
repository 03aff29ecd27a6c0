// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "carillon",
    products: [
        .executable(name: "carillon", targets: ["carillon"]),
        .executable(name: "carillon-shim", targets: ["carillon-shim"]),
        .library(name: "Timetable", targets: ["Timetable"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Values
        .target(name: "Timetable"),

        // Core
        .target(name: "CarillonCore", dependencies: ["Timetable"]),

        // Engine
        .target(
            name: "CarillonEngine",
            dependencies: [
                "CarillonCore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),

        // Stores
        .target(name: "MemoryStore", dependencies: ["CarillonCore"], path: "Sources/Stores/MemoryStore"),
        .target(
            name: "SQLiteStore",
            dependencies: ["CarillonCore", .product(name: "GRDB", package: "GRDB.swift")],
            path: "Sources/Stores/SQLiteStore"
        ),

        // Feeds
        .target(
            name: "FileFeed",
            dependencies: ["CarillonCore", "CarillonConfiguration"],
            path: "Sources/Feeds/FileFeed"
        ),

        // Dispatchers
        .target(
            name: "ExecDispatcher",
            dependencies: [
                "CarillonCore", "BlockingConnection", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Dispatchers/ExecDispatcher"
        ),

        // Control
        .target(
            name: "ControlSocket",
            dependencies: [
                "CarillonCore", "CarillonEngine",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Control/ControlSocket"
        ),

        // Clients
        .target(name: "BlockingConnection", path: "Sources/Clients/BlockingConnection"),

        // System
        .executableTarget(
            name: "carillon-shim",
            path: "Sources/System/Shim",
            linkerSettings: [.unsafeFlags(["-enable-experimental-feature", "Embedded", "-Xclang-linker", "-static"])]
        ),

        // Program
        .target(
            name: "CarillonConfiguration",
            dependencies: [
                "CarillonCore",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "TOMLKit", package: "TOMLKit"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        .executableTarget(
            name: "carillon",
            dependencies: [
                "CarillonConfiguration", "CarillonCore", "CarillonEngine", "ControlSocket", "ExecDispatcher",
                "FileFeed", "SQLiteStore", "Timetable",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),

        // Tests
        .target(
            name: "CarillonTestSupport",
            dependencies: [
                "CarillonCore", "CarillonEngine", "MemoryStore",
                .product(name: "HeapModule", package: "swift-collections"),
            ]
        ),
        .testTarget(name: "CarillonCoreTests", dependencies: ["CarillonCore"]),
        .testTarget(
            name: "CarillonEngineTests",
            dependencies: [
                "CarillonCore", "CarillonEngine", "CarillonTestSupport", "MemoryStore",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(name: "TimetableTests", dependencies: ["Timetable"], resources: [.copy("Cases")]),
    ],
    swiftLanguageModes: [.v6]
)
