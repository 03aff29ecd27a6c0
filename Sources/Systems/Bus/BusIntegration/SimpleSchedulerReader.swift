package import CarillonConfiguration
package import CarillonCore
import CarillonDaemon
import Foundation

#if MongoDB
    import MongoClient
#endif
#if RabbitMQ
    import AMQPClient
#endif

/// Reads Simple Scheduler's `SIMPLE_SCHEDULER_*`, of its `.env` file and of the environment, in Carillon's own keys.
///
/// What the environment says counts more, as with godotenv; what is empty is not there. Other keys are somebody else's.
package struct SimpleSchedulerReader: Sendable {
    /// Settings as `carillon.toml` would have them, each with the line it came from, and what deserves a word although
    /// it stops nothing.
    package typealias Reading = (settings: ConfigNode, remarks: [ConfigProblem])

    private let environment: [String: String]

    package init(environment: [String: String]) { self.environment = environment }

    /// Reads a file. Throws `ConfigurationError` with everything that is wrong in it, and no value.
    package func read(path: String) throws -> Reading {
        let text: String
        do throws(ConfigProblem) {
            text = try TextFile.read(path)
        } catch {
            throw ConfigurationError([error])
        }
        let file = DotEnv(text, source: path, environment: environment)
        var given = Given(file, environment, source: path)
        var settings = ConfigNode(.table([]))
        settings.set("bus", "url", busURL(&given))
        settings.set("store", "url", Self.storeURL(&given))
        Self.readInstance(&given, &settings)
        Self.readAPI(&given, &settings)
        Self.readIntervals(&given, &settings)
        given.remarkUnknown(among: Self.keys)
        let problems = Self.inOrder(file.problems + given.problems)
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        return (settings, Self.inOrder(given.remarks))
    }

    private static let keys =
        [
            "MESSAGEBUS_TYPE", "MESSAGEBUS_CONNECTION_STRING", "DB_TYPE", "DB_CONNECTION_STRING", "DB_NAME", "MAX_JOBS",
            "API_URL", "OIDC_ISSUER", "HEARTBEAT_INTERVAL", "HEARTBEAT_TIMEOUT",
        ] + intervals.map(\.key)

    /// Milliseconds of what the original looks at again and again, and why nothing does here.
    private static let intervals: [(key: String, why: String)] = [
        ("CLEANUP_INTERVAL", "nothing is polled; the time-outs of each run are kept to the second"),
        ("CACHE_REFRESH_INTERVAL", "nothing is polled; a changed job counts at once"),
    ]

    private func busURL(_ given: inout Given) -> ConfigNode? {
        if let type = given.value("MESSAGEBUS_TYPE"), type.text != "rabbitmq" {
            given.complain("MESSAGEBUS_TYPE", "expected rabbitmq; no other bus is served")
        }
        let key = "MESSAGEBUS_CONNECTION_STRING"
        guard let address = given.value(key) else {
            if environment["CARILLON_BUS_URL"] == nil {
                given.remark(key, "is not there; the bus is sought at \(BusSettings().url)")
            }
            return nil
        }
        if !Self.isAddress(address.text) {
            given.complain(key, "expected amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS")
        }
        return ConfigNode(.string(address.text), line: address.line)
    }

    private static func isAddress(_ url: String) -> Bool {
        guard ["amqp://", "amqps://"].contains(where: url.hasPrefix) else { return false }
        #if RabbitMQ
            return (try? AMQPConfiguration(url: url)) != nil
        #else
            return true
        #endif
    }

    private static let without = "leave SIMPLE_SCHEDULER_DB_* away to keep jobs in the state directory"

    private static func storeURL(_ given: inout Given) -> ConfigNode? {
        let key = "DB_CONNECTION_STRING"
        let type = given.value("DB_TYPE")?.text
        let address = given.value(key)
        if type == "mongodb" { return mongoURL(&given) }
        if given.value("DB_NAME") != nil {
            let place = type == nil ? "the state directory" : "what SIMPLE_SCHEDULER_\(key) names"
            given.remark("DB_NAME", "is not needed: jobs are kept in \(place)")
        }
        switch type {
        case "sqlite", "postgres":
            guard let address else {
                if !given.has(key) { given.complain(key, "is missing; \(without)") }
                return nil
            }
            // The other is for a driver to judge, where there is one.
            let url = type == "sqlite" ? sqliteURL(address.text) : address.text
            if url == nil { given.complain(key, "expected a path, or sqlite:PATH") }
            return url.map { ConfigNode(.string($0), line: address.line) }
        case nil:
            if address != nil { given.complain(key, "needs SIMPLE_SCHEDULER_DB_TYPE; \(without)") }
        default:
            given.complain("DB_TYPE", "expected mongodb, sqlite or postgres; \(without)")
        }
        return nil
    }

    /// Puts the database's name into the address of its server.
    private static func mongoURL(_ given: inout Given) -> ConfigNode? {
        let (addressKey, nameKey) = ("DB_CONNECTION_STRING", "DB_NAME")
        let name = given.value(nameKey)
        guard let value = given.value(addressKey) else {
            if !given.has(addressKey) { given.complain(addressKey, "is missing; \(without)") }
            return nil
        }
        let expected = "expected mongodb://USER:PASSWORD@HOST:PORT, or mongodb+srv://USER:PASSWORD@HOST"
        guard var address = MongoAddress(value.text) else {
            given.complain(addressKey, expected)
            return nil
        }
        if let flaw = flaw(ofAddress: value.text) {
            given.complain(addressKey, flaw)
            return nil
        }
        if let name {
            address.use(name.text)
        } else if !address.namesDatabase {
            if !given.has(nameKey) { given.complain(nameKey, "is missing, and the address names no database") }
            return nil
        }
        if flaw(ofAddress: address.text) != nil {
            given.complain(
                nameKey, "expected the name of a database: at most 63 bytes, and none of / \\ . \" $ * < > : | ? in it")
            return nil
        }
        return ConfigNode(.string(address.text), line: value.line)
    }

    /// Says why an address cannot be used, and repeats no value of it; nil when it can.
    private static func flaw(ofAddress url: String) -> String? {
        #if MongoDB
            do throws(MongoError) {
                _ = try MongoConfiguration(url: url)
                return nil
            } catch {
                return error.message
            }
        #else
            // Whether this build has such a store is for its settings to say.
            return nil
        #endif
    }

    /// Writes a path, `sqlite:PATH` or `sqlite:///PATH` as `store.url`; nil for what is none.
    private static func sqliteURL(_ text: String) -> String? {
        let scheme = "sqlite:"
        guard text.hasPrefix(scheme) else { return text.contains("://") ? nil : scheme + text }
        var path = text.dropFirst(scheme.count)
        if path.hasPrefix("//") {
            path = path.dropFirst(2)
            // What stands there would be a host.
            guard path.hasPrefix("/") else { return nil }
        }
        return path.isEmpty ? nil : scheme + path
    }

    /// Reads where the API listens, and whose tokens it takes. Its address is served as it stands, also where anybody can reach it.
    private static func readAPI(_ given: inout Given, _ settings: inout ConfigNode) {
        let issuer = given.value("OIDC_ISSUER")
        guard let address = given.value("API_URL") else {
            if issuer != nil { given.remark("OIDC_ISSUER", "is not needed without SIMPLE_SCHEDULER_API_URL") }
            return
        }
        settings.set("api", "listen", ConfigNode(.string(address.text), line: address.line))
        settings.set("api", "insecure", ConfigNode(.bool(true), line: address.line))
        // Its clients call it by whatever name they have for it.
        settings.set("api", "hosts", .texts(["*"]))
        if let issuer {
            let oidc = ConfigNode(.table([("issuer", ConfigNode(.string(issuer.text), line: issuer.line))]))
            settings.set("api", "oidc", oidc)
        }
        given.remark("API_URL", "is served without TLS: tokens can be read on the way where somebody is between")
    }

    /// Reads the intervals at which the original looks at its documents. Where these may be taken over, twice the longest that
    /// it writes a sign of life at is how long it must have been silent.
    private static func readIntervals(_ given: inout Given, _ settings: inout ConfigNode) {
        let isTakenOver = given.value("DB_TYPE")?.text == "mongodb"
        for (key, why) in intervals {
            guard let length = milliseconds(key, &given) else { continue }
            if isTakenOver, key == "CACHE_REFRESH_INTERVAL" {
                let beat = given.value("HEARTBEAT_INTERVAL")?.whole ?? 0
                let longest = within(1...leases.upperBound)(max(length, beat))
                settings.set("simple_scheduler", "silence", ConfigNode(.string("\(2 * longest)ms")))
                given.remark(
                    key, "tells how long a scheduler of the original is silent that still runs; \(why) otherwise")
            } else {
                given.remark(key, "is not needed: \(why)")
            }
        }
    }

    /// Reads how instances share: the interval of the heartbeat, and how long one may be silent, which is four of them where
    /// nothing is said. Within what such a daemon can keep, since the file need not be changed for it.
    private static func readInstance(_ given: inout Given, _ settings: inout ConfigNode) {
        let interval = milliseconds("HEARTBEAT_INTERVAL", &given)
        let timeOut = milliseconds("HEARTBEAT_TIMEOUT", &given)
        let lease = (timeOut ?? interval.map { 4 * min($0, leases.upperBound) }).map(within(leases))
        if let timeOut, let lease, lease != timeOut {
            given.remark("HEARTBEAT_TIMEOUT", "counts as \(lease), which is as near as a daemon can keep it")
        }
        if let lease { settings.set("instance", "lease", ConfigNode(.string("\(lease)ms"))) }
        if let interval, let lease {
            let beat = within(100...lease / 2)(interval)
            if beat != interval {
                given.remark(
                    "HEARTBEAT_INTERVAL", "counts as \(beat): one that is silent for \(lease) is taken to be gone")
            }
            settings.set("instance", "heartbeat", ConfigNode(.string("\(beat)ms")))
        }
        guard let value = given.value("MAX_JOBS") else { return }
        guard let most = value.whole else {
            return given.complain("MAX_JOBS", "expected a whole number; 0 is no limit")
        }
        settings.set("instance", "max_jobs", ConfigNode(.integer(most), line: value.line))
    }

    private static func milliseconds(_ key: String, _ given: inout Given) -> Int64? {
        guard let value = given.value(key) else { return nil }
        if value.whole == nil { given.complain(key, "expected whole milliseconds, such as 5000") }
        return value.whole
    }

    /// Milliseconds that an instance may be silent.
    private static let leases: ClosedRange<Int64> = 500...3_600_000

    private static func within(_ range: ClosedRange<Int64>) -> (Int64) -> Int64 {
        { min(max($0, range.lowerBound), range.upperBound) }
    }

    /// Sorts as things stand in the file; what comes from the environment is last.
    private static func inOrder(_ problems: [ConfigProblem]) -> [ConfigProblem] {
        problems.enumerated().sorted {
            ($0.element.line ?? .max, $0.offset) < ($1.element.line ?? .max, $1.offset)
        }.map(\.element)
    }
}

extension SimpleSchedulerReader {
    /// Reads a file, for a command. Throws `Failure`.
    package static func reading(_ path: String) throws -> Reading {
        do {
            return try SimpleSchedulerReader(environment: ProcessInfo.processInfo.environment).read(path: path)
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }
}

/// What file and environment say, by keys without their prefix, and what there is to say of it.
private struct Given {
    struct Value {
        var text: String
        /// Nil for what the environment says.
        var line: Int?

        var whole: Int64? { Int64(text).flatMap { $0 < 0 ? nil : $0 } }
    }

    private static let prefix = "SIMPLE_SCHEDULER_"

    private let source: String
    private let environment: [String: String]
    private var file: [String: DotEnv.Entry] = [:]
    private(set) var problems: [ConfigProblem] = []
    private(set) var remarks: [ConfigProblem] = []

    init(_ file: DotEnv, _ environment: [String: String], source: String) {
        self.source = source
        self.environment = environment.filter { $0.key.hasPrefix(Self.prefix) }
        for entry in file.entries where entry.key.hasPrefix(Self.prefix) { self.file[entry.key] = entry }
    }

    func has(_ key: String) -> Bool {
        let name = Self.prefix + key
        return !(environment[name] ?? file[name]?.value ?? "").isEmpty
    }

    /// Answers what is said; complains, and answers nil, when the file's word is not what was meant.
    mutating func value(_ key: String) -> Value? {
        let name = Self.prefix + key
        if let text = environment[name] { return text.isEmpty ? nil : Value(text: text) }
        guard let entry = file[name] else { return nil }
        if let fault = entry.fault {
            complain(key, fault)
            return nil
        }
        return entry.value.isEmpty ? nil : Value(text: entry.value, line: entry.line)
    }

    /// Complains, once however often a value is asked for.
    mutating func complain(_ key: String, _ message: String) {
        let problem = problem(key, message)
        if !problems.contains(problem) { problems.append(problem) }
    }

    mutating func remark(_ key: String, _ message: String) { remarks.append(problem(key, message)) }

    /// Remarks on everything with the prefix that is none of these keys.
    mutating func remarkUnknown(among keys: [String]) {
        let known = keys.map { Self.prefix + $0 }
        for (name, entry) in file where !known.contains(name) {
            remarks.append(
                ConfigProblem(
                    source: source, line: entry.line, key: name,
                    message: "unknown key" + Spelling.hint(name, among: known)))
        }
        for name in environment.keys.sorted() where !known.contains(name) {
            remarks.append(
                ConfigProblem(
                    source: name, message: "no setting that is read here" + Spelling.hint(name, among: known)))
        }
    }

    private func problem(_ key: String, _ message: String) -> ConfigProblem {
        let name = Self.prefix + key
        if environment[name] != nil { return ConfigProblem(source: name, message: message) }
        return ConfigProblem(source: source, line: file[name]?.line, key: name, message: message)
    }
}
