import Foundation
import Timetable

/// A crontab as cron(8) reads it: user or system form, with variables, `%` and `CRON_TZ` (crontab(5)).
public struct Crontab: Sendable {
    public struct Entry: Sendable {
        public var line: Int
        public var schedule: String
        public var user: String?
        public var command: String
        /// What follows the first `%`: the command's standard input.
        public var input: String?
        public var variables: [String: String]
        public var zone: String?
        public var mailTo: String?
        /// Comment lines just above it.
        public var comments: [String]
    }

    public private(set) var entries: [Entry] = []
    /// Lines that cron would refuse, with why.
    public private(set) var problems: [(line: Int, message: String)] = []

    public init(_ text: String, isSystem: Bool) {
        var variables: [String: String] = [:]
        var comments: [String] = []
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = raw.trimmingCharacters(in: .whitespaces)
            if line.isEmpty {
                comments = []
            } else if line.hasPrefix("#") {
                comments.append(line.dropFirst().trimmingCharacters(in: .whitespaces))
            } else if let (name, value) = Self.variable(line) {
                variables[name] = value
            } else {
                parse(line, number: index + 1, isSystem: isSystem, variables, comments)
                comments = []
            }
        }
    }

    private mutating func parse(
        _ line: String, number: Int, isSystem: Bool, _ variables: [String: String], _ comments: [String]
    ) {
        var rest = Substring(line)
        func word() -> String? {
            rest = rest.drop { $0 == " " || $0 == "\t" }
            let word = rest.prefix { $0 != " " && $0 != "\t" }
            rest = rest.dropFirst(word.count)
            return word.isEmpty ? nil : String(word)
        }
        var fields: [String] = []
        for _ in 0..<(line.hasPrefix("@") ? 1 : 5) {
            guard let field = word() else {
                return problems.append((number, "expected five fields and a command"))
            }
            fields.append(field)
        }
        let user = isSystem ? word() : nil
        let (command, input) = Self.splitPercent(rest.trimmingCharacters(in: .whitespaces))
        if command.isEmpty { return problems.append((number, "there is no command")) }
        let schedule = fields.joined(separator: " ")
        do {
            _ = try Schedule.Rule.cron(parsing: schedule, dialect: .unix, hashKey: "crontab")
        } catch {
            return problems.append((number, error.message))
        }
        var environment = variables
        let zone = environment.removeValue(forKey: "CRON_TZ")
        let mail = environment.removeValue(forKey: "MAILTO")
        entries.append(
            Entry(
                line: number, schedule: schedule, user: user, command: command, input: input, variables: environment,
                zone: zone, mailTo: mail, comments: comments))
    }

    /// `NAME = value`, with quotes around either kept off.
    private static func variable(_ line: String) -> (String, String)? {
        guard let equals = line.firstIndex(of: "=") else { return nil }
        let name = unquote(line[..<equals].trimmingCharacters(in: .whitespaces))
        let isName = name.first.map { $0.isLetter || $0 == "_" } ?? false
        guard isName, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { return nil }
        return (name, unquote(line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)))
    }

    private static func unquote(_ text: String) -> String {
        guard text.count >= 2, let quote = text.first, quote == "\"" || quote == "'", text.last == quote else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }

    /// An unescaped `%` ends the command; further ones are newlines of its input; `\%` is a percent sign.
    private static func splitPercent(_ text: String) -> (command: String, input: String?) {
        var parts = [""]
        var escaped = false
        for character in text {
            if escaped {
                parts[parts.count - 1] += character == "%" ? "%" : "\\\(character)"
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "%" {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        if escaped { parts[parts.count - 1] += "\\" }
        let input = parts.count > 1 ? parts.dropFirst().joined(separator: "\n") + "\n" : nil
        return (parts[0].trimmingCharacters(in: .whitespaces), input)
    }
}
