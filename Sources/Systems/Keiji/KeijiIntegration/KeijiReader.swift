package import CarillonConfiguration
package import CarillonCore
import CarillonDaemon
import Foundation
import FoundationEssentials
package import Timetable

/// Reads keiji's `settings.conf` as settings in Carillon's own keys: lines `KEY=value`, as a shell or godotenv would.
package struct KeijiReader: Sendable {
    private let zones: ZoneDatabase
    private let home: String

    /// Takes its `home`, which is whose `.keiji` is meant.
    package init(zones: ZoneDatabase, home: String) {
        self.zones = zones
        self.home = home
    }

    /// Settings as `carillon.toml` would have them, each with the line it came from, and what deserves a word although it
    /// stops nothing.
    package typealias Reading = (settings: ConfigNode, remarks: [ConfigProblem])

    /// Reads a file. Throws `ConfigurationError`.
    package func read(path: String) throws -> Reading {
        let text: String
        do throws(ConfigProblem) {
            text = try TextFile.read(path)
        } catch {
            throw ConfigurationError([error])
        }
        return try read(text, source: path)
    }

    package func read(_ text: String, source: String) throws -> Reading {
        var problems: [ConfigProblem] = []
        var remarks: [ConfigProblem] = []
        // keiji's own, where its settings name none.
        var zone = ConfigNode(.string("Africa/Nairobi"))
        var rotates = false
        var largest: Int64 = 1_024
        var database: ConfigNode?
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            func complain(_ key: String?, _ message: String) {
                problems.append(ConfigProblem(source: source, line: index + 1, key: key, message: message))
            }
            guard let (key, value) = Self.setting(raw) else {
                if !Self.isRemark(raw) { complain(nil, "expected KEY=value") }
                continue
            }
            switch key {
            case "DB_URL":
                database = ConfigNode(.string(value), line: index + 1)
                if KeijiSettings.Database(value) == nil { complain(key, KeijiSettings.Database.expected) }
            case "TIME_ZONE":
                zone = ConfigNode(.string(value), line: index + 1)
                do {
                    _ = try zones.zone(value)
                } catch {
                    complain(key, error.message)
                }
            case "ROTATE_LOGS":
                rotates = value == "1"
                if value != "0", value != "1" { complain(key, "expected 0 or 1") }
            case "LOG_MAX_SIZE":
                if let number = Int64(value), number > 0 {
                    largest = min(number, 1 << 40)
                } else {
                    complain(key, "expected bytes")
                }
            default:
                remarks.append(
                    ConfigProblem(source: source, line: index + 1, key: key, message: "is not known, and left alone"))
            }
        }
        if database == nil { problems.append(ConfigProblem(source: source, key: "DB_URL", message: "is missing")) }
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        var feed = ConfigNode(.table([]))
        feed.set("type", .text("keiji"))
        feed.set("database", database)
        feed.set("time_zone", zone)
        feed.set("root", .text(home + "/.keiji"))
        feed.set("max_log", rotates ? .whole(largest) : nil)
        var settings = ConfigNode(.table([]))
        settings.set("time_zone", zone)
        settings.set("feed", ConfigNode(.array([feed])))
        settings.set("control_bus", ConfigNode(.table([])))
        settings.set("log", "format", .text("logfmt"))
        settings.set("log", "file", .text(home + "/.keiji/logs/services/scheduler/scheduler.log"))
        // Less makes no file that anybody could read.
        settings.set("log", "max_size", .whole(rotates ? max(largest, 1_024) : 1 << 40))
        settings.set("log", "keep", .whole(1))
        return (settings, remarks)
    }

    private static func isRemark(_ line: Substring) -> Bool {
        let text = line.drop(while: \.isWhitespace)
        return text.isEmpty || text.hasPrefix("#")
    }

    private static func setting(_ line: Substring) -> (key: String, value: String)? {
        guard !isRemark(line), let equals = line.firstIndex(of: "=") else { return nil }
        let words = line[..<equals].split(whereSeparator: \.isWhitespace)
        guard let key = words.last, words.count == 1 || words.first == "export" else { return nil }
        var value = line[line.index(after: equals)...].drop(while: \.isWhitespace)
        if let quote = value.first, quote == "\"" || quote == "'" {
            guard let end = value.dropFirst().firstIndex(of: quote) else { return nil }
            return (String(key), String(value[value.index(after: value.startIndex)..<end]))
        }
        if let remark = value.range(of: " #") { value = value[..<remark.lowerBound] }
        while value.last?.isWhitespace == true { value.removeLast() }
        return (String(key), String(value))
    }
}

extension KeijiReader {
    /// Reads a file, for a command. Throws `Failure`.
    package static func reading(_ path: String, zones: ZoneDatabase) throws -> Reading {
        do {
            return try KeijiReader(zones: zones, home: ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory())
                .read(path: path)
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }
}
