// swift-tools-version: 6.2
import PackageDescription

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let mariaDB = TargetDependencyCondition.when(traits: ["MariaDB"])
let mail = TargetDependencyCondition.when(traits: ["Mail"])
let mongoDB = TargetDependencyCondition.when(traits: ["MongoDB"])
let postgres = TargetDependencyCondition.when(traits: ["Postgres"])
let rabbitMQ = TargetDependencyCondition.when(traits: ["RabbitMQ"])

/// What a system brings into a daemon, beside the drivers in its folder.
func integration(_ system: String, _ drivers: [Target.Dependency], path: String? = nil) -> Target {
    .target(
        name: system + "Integration",
        dependencies: [
            "CarillonConfiguration", "CarillonCore", "CarillonDaemon", "CarillonEngine", "CommandSupport", "Timetable",
            logging, lifecycle, arguments,
        ] + drivers, path: path ?? "Sources/Systems/\(system)/\(system)Integration")
}

/// What each system brings: its keys, its settings, its commands. One entry a system.
let integrations: [Target] = [
    integration("Exec", ["ExecDispatcher"]),
    integration("Files", ["FileFeed"]),
    integration("RQ", ["RQDispatcher", "RedisClient"]),
    integration(
        "Bus",
        [
            "APIClient", "BusDispatcher", "MongoStore", .target(name: "RabbitMQBus", condition: rabbitMQ),
            .target(name: "AMQPClient", condition: rabbitMQ), .target(name: "MongoClient", condition: mongoDB),
        ]),
    integration(
        "Frappe",
        [
            "BTUSocket", "FrappeDispatcher", "FrappeFeed", "FrappeLog", "FrappeMirror", "FrappeSite", "MailIntegration",
            "RQDispatcher", "RQIntegration", "RedisClient", .target(name: "MariaDBClient", condition: mariaDB),
        ]),
    integration(
        "Keiji",
        [
            "ControlBus", "ExecDispatcher", "KeijiFeed", .target(name: "PostgresClient", condition: postgres),
        ]),
    integration(
        "API",
        [
            "APIClient", "CarillonMetrics", "ControlAPI", "Dashboard", "ExecDispatcher", "SimpleSchedulerAPI",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "Crypto", package: "swift-crypto"), .product(name: "NIOCore", package: "swift-nio"),
        ]),
    integration("Mail", ["MailNotifier", .target(name: "MailClient", condition: mail), metrics]),
]

let package = Package(
    name: "carillon",
    products: [
        .executable(name: "carillon", targets: ["carillon"]),
        .executable(name: "carillon-shim", targets: ["carillon-shim"]),
        .library(name: "Timetable", targets: ["Timetable"]),
        // What a program of one's own composes, as the benchmarks do.
        .library(
            name: "CarillonKit",
            targets: [
                "Timetable", "CarillonCore", "CarillonEngine", "SQLiteStore", "MemoryStore", "ExecDispatcher",
                "RQDispatcher", "RedisClient", "BusDispatcher", "RabbitMQBus", "AMQPClient", "PostgresClient",
                "PostgresStore",
            ]),
    ],
    traits: [
        // A driver that needs a C library of the system; without the trait its files are empty, and so is the need.
        .trait(name: "Mail", description: "Sends notices by SMTP; needs libcurl."),
        .trait(name: "MariaDB", description: "Reads Frappe's database; needs libmariadb."),
        .trait(name: "MongoDB", description: "Talks to MongoDB; needs libmongoc."),
        .trait(name: "Postgres", description: "Talks to PostgreSQL; needs libpq."),
        .trait(name: "RabbitMQ", description: "Drives workers over RabbitMQ; needs librabbitmq."),
        .default(enabledTraits: ["Mail", "MariaDB", "MongoDB", "Postgres", "RabbitMQ"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        // For libyaml, which it carries as the target CYaml.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Values: the C library only.
        .target(name: "Timetable"),

        // Core
        .target(name: "CarillonCore", dependencies: ["Timetable"]),

        // Engine: never a driver.
        .target(
            name: "CarillonEngine",
            dependencies: [
                "CarillonCore", "Timetable", logging, lifecycle, metrics,
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),

        // Stores
        .target(name: "MemoryStore", dependencies: ["CarillonCore", "Timetable"], path: "Sources/Stores/MemoryStore"),
        .target(name: "StoreCodec", dependencies: ["CarillonCore", "Timetable"], path: "Sources/Stores/StoreCodec"),
        .target(
            name: "MongoStore",
            dependencies: [
                "BlockingConnection", "CarillonCore", "StoreCodec", "Timetable", logging,
                .target(name: "MongoClient", condition: mongoDB),
            ],
            path: "Sources/Stores/MongoStore"),
        .target(
            name: "PostgresStore",
            dependencies: [
                "BlockingConnection", "CarillonCore", "StoreCodec", "Timetable", logging,
                .target(name: "PostgresClient", condition: postgres),
            ],
            path: "Sources/Stores/PostgresStore"),
        .target(
            name: "SQLiteStore",
            dependencies: [
                "CarillonCore", "StoreCodec", "Timetable", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            path: "Sources/Stores/SQLiteStore"),

        // Feeds
        .target(
            name: "FileFeed", dependencies: ["CarillonConfiguration", "CarillonCore", "Timetable"],
            path: "Sources/Systems/Files/FileFeed"),

        .target(
            name: "FrappeFeed",
            dependencies: [
                "CarillonCore", "Timetable", logging,
                .target(name: "MariaDBClient", condition: mariaDB),
            ],
            path: "Sources/Systems/Frappe/FrappeFeed"),

        .target(
            name: "FrappeLog",
            dependencies: [
                "CarillonCore", "FrappeFeed", "Timetable", logging, lifecycle,
                .target(name: "MariaDBClient", condition: mariaDB),
            ],
            path: "Sources/Systems/Frappe/FrappeLog"),

        .target(
            name: "FrappeMirror", dependencies: ["CarillonCore", "RedisClient", "Timetable", logging, lifecycle],
            path: "Sources/Systems/Frappe/FrappeMirror"),

        .target(
            name: "KeijiFeed",
            dependencies: [
                "CarillonCore", "ExecDispatcher", "Timetable", logging, lifecycle,
                .product(name: "GRDB", package: "GRDB.swift"),
                .target(name: "PostgresClient", condition: postgres),
            ],
            path: "Sources/Systems/Keiji/KeijiFeed"),

        // Dispatchers
        .target(
            name: "ExecDispatcher",
            dependencies: ["BlockingConnection", "CProcess", "CarillonCore", "Timetable", logging],
            path: "Sources/Systems/Exec/ExecDispatcher"),

        .target(
            name: "RQDispatcher",
            dependencies: [
                "CZlib", "CarillonCore", "RedisClient", "Timetable", logging,
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            path: "Sources/Systems/RQ/RQDispatcher"),

        .target(
            name: "BusDispatcher",
            dependencies: [
                "CarillonCore", "Timetable", logging, .product(name: "DequeModule", package: "swift-collections"),
            ],
            path: "Sources/Systems/Bus/BusDispatcher"),

        .target(
            name: "RabbitMQBus",
            dependencies: [
                "BusDispatcher", "CarillonCore", .target(name: "AMQPClient", condition: rabbitMQ),
                .target(name: "BlockingConnection", condition: rabbitMQ),
            ],
            path: "Sources/Systems/Bus/RabbitMQBus"),

        .target(
            name: "FrappeDispatcher",
            dependencies: ["CarillonCore", "FrappeFeed", "FrappeSite", "RQDispatcher", "Timetable", logging],
            path: "Sources/Systems/Frappe/FrappeDispatcher"),

        // Control
        .target(name: "CarillonMetrics", dependencies: [metrics], path: "Sources/Channels/CarillonMetrics"),
        .target(
            name: "BTUSocket",
            dependencies: [
                "Listening", logging, lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/Systems/Frappe/BTUSocket"),
        .target(
            name: "ControlBus",
            dependencies: [
                "CarillonCore", "Listening", logging, lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/Systems/Keiji/ControlBus"),
        .target(
            name: "ControlAPI",
            dependencies: [
                "CZlib", "CarillonConfiguration", "CarillonCore", "CarillonEngine", "CarillonMetrics", "Listening",
                "Timetable",
                logging, lifecycle, metrics,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Sources/Channels/ControlAPI"),
        .target(
            name: "Dashboard",
            dependencies: [
                "CDashboardFiles", "CarillonConfiguration", "CarillonCore", "CarillonEngine", "ControlAPI", "Timetable",
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            path: "Sources/Channels/Dashboard", exclude: ["Files"]),
        // The pages, the script and the style sheet, as bytes: a file that lies beside the binary is lost where that is moved.
        .target(
            name: "CDashboardFiles", path: "Sources/Channels/Dashboard/Files",
            exclude: [
                "backfill.mustache", "carillon.css", "carillon.js", "editor.mustache", "forecast.mustache",
                "operation-row.mustache",
                "operation.mustache", "operations.mustache", "gone.mustache", "icon.svg", "job-runs.mustache",
                "job.mustache", "jobs.mustache", "layout.mustache", "login.mustache", "now.mustache",
                "refusal.mustache", "run.mustache", "runs-table.mustache", "runs.mustache", "system.mustache",
                "why.mustache",
            ]),
        .target(
            name: "APIClient",
            dependencies: [
                "CarillonConfiguration", "CarillonCore", "CarillonDaemon", "CarillonEngine", "Timetable", logging,
                lifecycle,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Sources/Channels/APIClient"),
        .target(
            name: "SimpleSchedulerAPI",
            dependencies: [
                "BusDispatcher", "CarillonConfiguration", "CarillonCore", "CarillonEngine", "ControlAPI", "Timetable",
            ],
            path: "Sources/Systems/Bus/SimpleSchedulerAPI"),
        .target(
            name: "ControlSocket",
            dependencies: [
                "CarillonEngine", "Listening", logging, lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/Channels/ControlSocket"),
        .target(
            name: "Listening",
            dependencies: [
                "CarillonCore", lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/Channels/Listening"),
        .target(
            name: "MailNotifier",
            dependencies: [
                "CarillonCore", .target(name: "MailClient", condition: mail), "Timetable", logging, lifecycle,
            ],
            path: "Sources/Systems/Mail/MailNotifier"),

        // Clients
        .target(
            name: "AMQPClient",
            dependencies: [
                .target(name: "BlockingConnection", condition: rabbitMQ),
                .target(name: "CRabbitMQ", condition: rabbitMQ),
            ],
            path: "Sources/Clients/AMQPClient"),
        .target(name: "BlockingConnection", path: "Sources/Clients/BlockingConnection"),
        .target(
            name: "FrappeSite",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Sources/Systems/Frappe/FrappeSite"),
        .target(
            name: "MailClient",
            dependencies: [
                .target(name: "BlockingConnection", condition: mail), .target(name: "CCurl", condition: mail),
            ],
            path: "Sources/Systems/Mail/MailClient"),
        .target(
            name: "MariaDBClient",
            dependencies: [
                .target(name: "BlockingConnection", condition: mariaDB), .target(name: "CMariaDB", condition: mariaDB),
                logging,
            ],
            path: "Sources/Clients/MariaDBClient"),
        .target(
            name: "MongoClient",
            dependencies: [
                .target(name: "BlockingConnection", condition: mongoDB), .target(name: "CMongoDB", condition: mongoDB),
                logging,
            ],
            path: "Sources/Clients/MongoClient"),
        .target(
            name: "PostgresClient",
            dependencies: [
                .target(name: "BlockingConnection", condition: postgres),
                .target(name: "CPostgres", condition: postgres), logging,
            ],
            path: "Sources/Clients/PostgresClient"),
        .target(
            name: "RedisClient",
            dependencies: [
                logging,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Sources/Clients/RedisClient"),

        // System: C.
        .systemLibrary(
            name: "CCurl", path: "Sources/System/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CMariaDB", path: "Sources/System/CMariaDB", pkgConfig: "libmariadb",
            providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(
            name: "CMongoDB", path: "Sources/System/CMongoDB", pkgConfig: "libmongoc-1.0",
            providers: [.apt(["libmongoc-dev"])]),
        .systemLibrary(
            name: "CPostgres", path: "Sources/System/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CRabbitMQ", path: "Sources/System/CRabbitMQ", pkgConfig: "librabbitmq",
            providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CProcess", path: "Sources/System/CProcess"),
        .target(name: "CTerminal", path: "Sources/System/CTerminal"),
        .executableTarget(
            name: "carillon-shim",
            path: "Sources/System/Shim",
            cSettings: [.unsafeFlags(["-fno-stack-protector"])],
            // Static and without any library, so that a run costs kilobytes. "Embedded" keeps the driver from
            // adding Swift's runtime to a program of C.
            linkerSettings: [
                .unsafeFlags([
                    "-enable-experimental-feature", "Embedded", "-Xclang-linker", "-static", "-Xclang-linker",
                    "-nostdlib",
                ])
            ]),

        // Configuration, and what a daemon is put together from: no system either.
        .target(
            name: "CarillonConfiguration",
            dependencies: ["CarillonCore", "Timetable", "Yams"]),
        .target(
            name: "CarillonDaemon",
            dependencies: [
                "CarillonConfiguration", "CarillonCore", "CarillonEngine", "CarillonMetrics", "Timetable", logging,
                lifecycle,
            ]),

        // Program
        .target(
            name: "CommandSupport",
            dependencies: [
                "APIClient", "BlockingConnection", "CTerminal", "CarillonConfiguration", "CarillonCore",
                "CarillonDaemon",
                "CarillonEngine", "ControlSocket", "KeijiFeed", "Timetable", logging, arguments,
            ]),
        .target(
            name: "CarillonCLI",
            dependencies: [
                "CarillonConfiguration", "CarillonCore", "CarillonDaemon", "CarillonEngine", "CommandSupport",
                "ControlSocket", "ExecDispatcher", "Listening", "MongoStore", "PostgresStore", "SQLiteStore",
                "Timetable", logging,
                lifecycle, metrics,
                arguments,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + integrations.map { .target(name: $0.name) }),
        .executableTarget(name: "carillon", dependencies: ["CProcess", "CarillonCLI"]),

        // Tests
        .target(
            name: "CarillonTestSupport",
            dependencies: [
                "CarillonCore", "CarillonEngine", "MemoryStore", "MongoStore", "Timetable", logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .target(name: "MariaDBClient", condition: mariaDB),
                .target(name: "MongoClient", condition: mongoDB),
                .target(name: "PostgresClient", condition: postgres),
            ]),
        .testTarget(
            name: "BTUSocketTests", dependencies: ["BTUSocket", "CarillonTestSupport", lifecycle, logging]),
        .testTarget(name: "BlockingConnectionTests", dependencies: ["BlockingConnection"]),
        .testTarget(
            name: "BusDispatcherTests",
            dependencies: [
                "BusDispatcher", "CarillonCore", "CarillonEngine", "CarillonTestSupport", "MemoryStore", "Timetable",
                logging, .target(name: "AMQPClient", condition: rabbitMQ),
                .target(name: "RabbitMQBus", condition: rabbitMQ),
            ]),
        .testTarget(
            name: "CarillonCLITests",
            dependencies: [
                "CarillonCLI", "CarillonConfiguration", "CarillonCore", "CarillonDaemon", "CarillonEngine",
                "CarillonTestSupport", "CommandSupport", "EchoIntegration", "MemoryStore", "Timetable", arguments,
                lifecycle, logging,
            ]),
        .testTarget(
            name: "CarillonConfigurationTests",
            dependencies: [
                "BusDispatcher", "BusIntegration", "CarillonCLI", "CarillonConfiguration", "CarillonCore",
                "CarillonDaemon", "CarillonTestSupport", "ExecDispatcher", "ExecIntegration", "FrappeIntegration",
                "KeijiIntegration", "MailIntegration",
                "RQDispatcher", "RQIntegration", "Timetable",
            ]),
        .testTarget(
            name: "CarillonCoreTests", dependencies: ["CarillonCore", "CarillonTestSupport", "Timetable"]),
        .testTarget(
            name: "CarillonEngineTests",
            dependencies: [
                "CarillonCore", "CarillonEngine", "CarillonTestSupport", "MemoryStore", "Timetable", lifecycle, logging,
            ]),
        .testTarget(
            name: "CarillonMetricsTests",
            dependencies: [
                "CarillonCore", "CarillonEngine", "CarillonMetrics", "CarillonTestSupport", "ControlAPI", "MemoryStore",
                "SQLiteStore", "SimpleSchedulerAPI", "Timetable", lifecycle, logging, metrics,
            ]),
        .testTarget(
            name: "ControlAPITests",
            dependencies: [
                "BusDispatcher", "BusIntegration", "CarillonConfiguration", "CarillonCore", "CarillonEngine",
                "CarillonMetrics", "CarillonTestSupport", "ControlAPI", "ExecIntegration", "MemoryStore",
                "SimpleSchedulerAPI", "Timetable", lifecycle, logging, metrics,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .testTarget(
            name: "ControlBusTests",
            dependencies: [
                "CarillonCore", "CarillonTestSupport", "ControlBus", "Timetable", lifecycle, logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "ControlSocketTests",
            dependencies: [
                "ControlSocket", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        .testTarget(
            name: "DashboardTests",
            dependencies: ["CarillonCore", "CarillonEngine", "CarillonTestSupport", "Dashboard", "Timetable"]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "CarillonCLI", "CarillonConfiguration", "CarillonDaemon", "CarillonTestSupport", "RedisClient",
                "Timetable", "carillon", "carillon-shim", logging,
                .target(name: "MariaDBClient", condition: mariaDB),
            ]),
        .testTarget(
            name: "EngineCostTests",
            dependencies: [
                "CarillonCore", "CarillonEngine", "CarillonMetrics", "CarillonTestSupport", "SQLiteStore", "Timetable",
                lifecycle, logging,
            ]),
        .testTarget(
            name: "ExecDispatcherTests",
            dependencies: [
                "BlockingConnection", "CarillonCore", "CarillonTestSupport", "ExecDispatcher", "Timetable",
                "carillon-shim", logging,
            ]),
        .testTarget(
            name: "FileFeedTests",
            dependencies: [
                "CarillonCLI", "CarillonCore", "CarillonDaemon", "CarillonTestSupport", "FileFeed", "Timetable",
            ]),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "BTUSocket", "CarillonCLI", "CarillonConfiguration", "CarillonCore", "CarillonDaemon",
                "CarillonTestSupport", "ControlBus", "ExecIntegration", "KeijiIntegration", "Listening",
                "RedisClient", "Timetable", .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "FrappeDispatcherTests",
            dependencies: [
                "CarillonCore", "CarillonEngine", "CarillonTestSupport", "FrappeDispatcher", "FrappeFeed", "FrappeSite",
                "RQDispatcher", "RedisClient", "Timetable", logging,
            ]),
        .testTarget(
            name: "FrappeFeedTests",
            dependencies: [
                "CarillonCore", "CarillonTestSupport", "FrappeFeed", "Timetable", logging,
                .target(name: "MariaDBClient", condition: mariaDB),
            ]),
        .testTarget(
            name: "FrappeLogTests",
            dependencies: [
                "CarillonCore", "CarillonTestSupport", "FrappeFeed", "FrappeLog", "MemoryStore", "Timetable", logging,
                .target(name: "MariaDBClient", condition: mariaDB),
            ]),
        .testTarget(
            name: "KeijiFeedTests",
            dependencies: [
                "CarillonCore", "CarillonTestSupport", "ExecDispatcher", "KeijiFeed", "MemoryStore", "Timetable",
                logging,
                .product(name: "GRDB", package: "GRDB.swift"),
                .target(name: "PostgresClient", condition: postgres),
            ]),
        .testTarget(
            name: "MailClientTests",
            dependencies: ["CarillonTestSupport", .target(name: "MailClient", condition: mail)]),
        .testTarget(
            name: "MailNotifierTests",
            dependencies: [
                "CarillonCore", "CarillonTestSupport", "MailNotifier", "Timetable", logging, lifecycle,
                .target(name: "MailClient", condition: mail),
            ]),
        .testTarget(
            name: "MariaDBClientTests",
            dependencies: [
                "CarillonTestSupport", .target(name: "MariaDBClient", condition: mariaDB), logging,
            ]),
        .testTarget(
            name: "MongoClientTests",
            dependencies: [
                "BlockingConnection", "CarillonTestSupport", .target(name: "MongoClient", condition: mongoDB), logging,
            ]),
        .testTarget(
            name: "MongoStoreTests",
            dependencies: [
                "BlockingConnection", "BusDispatcher", "BusIntegration", "CarillonCore", "CarillonDaemon",
                "CarillonEngine", "CarillonTestSupport", "MongoStore", "SQLiteStore", "Timetable",
                .target(name: "MongoClient", condition: mongoDB), logging,
            ]),
        .testTarget(
            name: "PostgresClientTests",
            dependencies: [
                "CarillonTestSupport", .target(name: "PostgresClient", condition: postgres), logging,
            ]),
        .testTarget(
            name: "RQDispatcherTests",
            dependencies: [
                "CarillonCore", "CarillonEngine", "CarillonTestSupport", "RQDispatcher", "RedisClient", "Timetable",
                logging,
            ]),
        .testTarget(
            name: "RedisClientTests",
            dependencies: [
                "CarillonTestSupport", "RedisClient", logging,
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "PostgresStoreTests",
            dependencies: [
                "CarillonCore", "CarillonDaemon", "CarillonTestSupport", "PostgresStore", "SQLiteStore", "Timetable",
                .target(name: "PostgresClient", condition: postgres), logging,
            ]),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "CarillonCore", "CarillonDaemon", "CarillonTestSupport", "MemoryStore", "SQLiteStore", "Timetable",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(name: "TimetableTests", dependencies: ["Timetable"], resources: [.copy("Cases")]),
        // The worker in Swift of docs/bus.md.
        .executableTarget(
            name: "bus-worker", dependencies: [.target(name: "AMQPClient", condition: rabbitMQ)],
            path: "Examples/bus/SwiftWorker"),
        // The example of CONTRIBUTING.md, so that it always builds.
        integration("Echo", [], path: "Examples/echo/EchoIntegration"),
    ] + integrations,
    swiftLanguageModes: [.v6]
)

let foreign = [
    "carillon-shim", "CCurl", "CMariaDB", "CMongoDB", "CPostgres", "CProcess", "CRabbitMQ", "CTerminal", "CZlib",
]
for target in package.targets where !foreign.contains(target.name) {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
    // A warning fails where changes are judged, and nowhere else: a newer compiler may have new ones.
    if Context.environment["CI"] != nil { target.swiftSettings?.append(.treatAllWarnings(as: .error)) }
}
