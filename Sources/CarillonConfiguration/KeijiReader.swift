public import CarillonCore
import Foundation
import FoundationEssentials
public import Timetable

/// Reads keiji's `settings.conf`: lines `KEY=value`, as a shell or godotenv would.
public struct KeijiReader: Sendable {
    private let zones: ZoneDatabase
    private let home: String

    /// `home` is whose `.keiji` is meant.
    public init(zones: ZoneDatabase, home: String) {
        self.zones = zones
        self.home = home
    }

    /// Settings, and what deserves a word although it stops nothing. Throws `ConfigurationError`.
    public func read(path: String) throws -> (settings: Settings, remarks: [FeedProblem]) {
        let text: String
        do throws(FeedProblem) {
            text = try TextFile.read(path)
        } catch {
            throw ConfigurationError([error])
        }
        return try read(text, source: path)
    }

    package func read(_ text: String, source: String) throws -> (settings: Settings, remarks: [FeedProblem]) {
        var problems: [FeedProblem] = []
        var remarks: [FeedProblem] = []
        var keiji = Settings.Keiji(root: home + "/.keiji")
        // keiji's own, where its settings name none.
        keiji.zone = "Africa/Nairobi"
        var rotates = false
        var largest: Int64 = 1_024
        var hasDatabase = false
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            func complain(_ key: String?, _ message: String) {
                problems.append(FeedProblem(source: source, line: index + 1, key: key, message: message))
            }
            guard let (key, value) = Self.setting(raw) else {
                if !Self.isRemark(raw) { complain(nil, "expected KEY=value") }
                continue
            }
            switch key {
            case "DB_URL":
                hasDatabase = true
                if let database = SettingsReader.database(value) {
                    keiji.database = database
                } else {
                    complain(key, SettingsReader.expectedDatabase)
                }
            case "TIME_ZONE":
                keiji.zone = value
                do {
                    _ = try zones.zone(value)
                } catch {
                    complain(key, error.message)
                }
            case "ROTATE_LOGS":
                rotates = value == "1"
                if value != "0", value != "1" { complain(key, "expected 0 or 1") }
            case "LOG_MAX_SIZE":
                if let number = Int64(value), number > 0 { largest = number } else { complain(key, "expected bytes") }
            default:
                remarks.append(
                    FeedProblem(source: source, line: index + 1, key: key, message: "is not known, and left alone"))
            }
        }
        if !hasDatabase { problems.append(FeedProblem(source: source, key: "DB_URL", message: "is missing")) }
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        if rotates { keiji.largestLog = largest }
        var settings = Settings()
        settings.timeZone = keiji.zone
        settings.keiji = keiji
        settings.controlBus = Settings.ControlBus()
        settings.log.format = .logfmt
        settings.log.file = keiji.root + "/logs/services/scheduler/scheduler.log"
        settings.log.largest = keiji.largestLog ?? .max
        settings.log.keep = 1
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
