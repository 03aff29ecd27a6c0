import Foundation
package import Timetable

/// A crontab as cron(8) reads it: user or system form, with variables, `%` and `CRON_TZ` (crontab(5)).
///
/// Debian's cron 3.0pl1 is the model; a random range, a leading minus and `CRON_TZ` are cronie's. Lines may end in CR LF,
/// and the last one needs no end, which cron itself refuses.
package struct Crontab: Sendable {
    package struct Entry: Sendable {
        package var line: Int
        package var schedule: String
        package var user: String?
        package var command: String
        /// What follows the first `%`: the command's standard input.
        package var input: String?
        package var variables: [String: String]
        /// Nil for the machine's own.
        package var zone: String?
        package var mailTo: String?
        /// Comment lines just above it, and what is different from cron.
        package var comments: [String]
    }

    package private(set) var entries: [Entry] = []
    /// Lines that cron would refuse, with why.
    package private(set) var problems: [(line: Int, message: String)] = []

    package init(_ text: String, isSystem: Bool, zones: ZoneDatabase = ZoneDatabase()) {
        self.init(Array(text.utf8), isSystem: isSystem, zones: zones)
    }

    package init(_ bytes: [UInt8], isSystem: Bool, zones: ZoneDatabase = ZoneDatabase()) {
        var variables: [String: String] = [:]
        var comments: [String] = []
        for (number, raw) in Self.lines(bytes) {
            guard let text = String(validating: raw, as: UTF8.self) else {
                if raw.first(where: { !Self.isBlank($0) }) == UInt8(ascii: "#") {
                    // Nothing hangs on a comment: its bytes are read as Latin-1.
                    comments.append(Self.comment(String(String.UnicodeScalarView(raw.map { Unicode.Scalar($0) }))))
                } else {
                    problems.append(
                        (number, "is not UTF-8 text; recode the file first: iconv -f LATIN1 -t UTF-8 FILE"))
                    comments = []
                }
                continue
            }
            let line = text.drop(while: Self.isBlank)
            if line.isEmpty {
                comments = []
            } else if line.hasPrefix("#") {
                comments.append(Self.comment(String(line)))
            } else if text.utf8.contains(0) {
                problems.append((number, "holds a NUL"))
                comments = []
            } else if let (name, value) = Self.variable(line) {
                variables[name] = value
            } else {
                parse(line, number: number, isSystem: isSystem, variables, comments, zones)
                comments = []
            }
        }
    }

    /// Splits into lines without their ends, blank ones in front counted, with their numbers from 1.
    static func lines(_ bytes: [UInt8]) -> [(number: Int, bytes: ArraySlice<UInt8>)] {
        // A mark of UTF-8 that editors of Windows leave.
        let rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        return rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().map {
            ($0 + 1, $1.last == UInt8(ascii: "\r") ? $1.dropLast() : $1)
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    private static func comment(_ line: String) -> String {
        line.trimmingCharacters(in: .whitespaces).dropFirst().trimmingCharacters(in: .whitespaces)
    }

    private mutating func parse(
        _ line: Substring, number: Int, isSystem: Bool, _ variables: [String: String], _ comments: [String],
        _ zones: ZoneDatabase
    ) {
        var comments = comments
        var rest = line
        if rest.hasPrefix("-") {
            // Entries of root may ask cron not to log them.
            rest = rest.dropFirst()
            comments.append("cron did not log it (-)")
        }
        guard let fields = Self.fields(&rest) else {
            return problems.append((number, "expected five fields and a command"))
        }
        var user: String?
        if isSystem {
            guard let name = Self.word(&rest) else { return problems.append((number, "there is no command")) }
            if name.contains("/") || name.contains("=") {
                return problems.append((number, "expected a user in the sixth field, found '\(name)'"))
            }
            user = name
        }
        // cron takes everything up to the line's end, blanks included.
        let (command, input) = Self.splitPercent(rest.drop(while: Self.isBlank))
        if command.allSatisfy(Self.isBlank) { return problems.append((number, "there is no command")) }
        let written = fields.joined(separator: " ")
        let schedule = CrontabRange.hashed(fields).joined(separator: " ")
        if schedule != written {
            comments.append("cron drew \(written) at random; H takes a fixed value in the same range by the job's name")
        }
        var environment = variables
        // One that is empty is the machine's own.
        let zone = environment.removeValue(forKey: "CRON_TZ").flatMap { $0.isEmpty ? nil : $0 }
        let mail = environment.removeValue(forKey: "MAILTO")
        do throws(ScheduleError) {
            _ = try Schedule.Rule.cron(parsing: schedule, dialect: .unix, hashKey: "crontab")
            if let zone { _ = try zones.zone(zone) }
        } catch {
            return problems.append((number, error.message))
        }
        entries.append(
            Entry(
                line: number, schedule: schedule, user: user, command: command, input: input, variables: environment,
                zone: zone, mailTo: mail, comments: comments))
    }

    /// Takes the first word and the blanks before it from `rest`.
    static func word(_ rest: inout Substring) -> String? {
        rest = rest.drop(while: isBlank)
        let word = rest.prefix { !isBlank($0) }
        rest = rest[word.endIndex...]
        return word.isEmpty ? nil : String(word)
    }

    /// Takes five fields, or a nickname.
    static func fields(_ rest: inout Substring) -> [String]? {
        var fields: [String] = []
        for _ in 0..<(rest.hasPrefix("@") ? 1 : 5) {
            guard let field = word(&rest) else { return nil }
            fields.append(field)
        }
        return fields
    }

    /// Reads `NAME = value`, with quotes around either kept off.
    static func variable(_ line: Substring) -> (String, String)? {
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

    /// Splits as Debian's cron does: an unescaped `%` ends the command, further ones are newlines of its input; in the
    /// command `\%` and `\\` stand for the second character alone, in the input only `\%` does.
    ///
    /// The input ends in a newline, and nothing after the `%` is none. cronie leaves `\\` in the command as it is.
    private static func splitPercent(_ text: Substring) -> (command: String, input: String?) {
        var command = String.UnicodeScalarView()
        var scalars = text.unicodeScalars
        var hasInput = false
        while let scalar = scalars.popFirst() {
            if scalar == "%" {
                hasInput = true
                break
            }
            if scalar == "\\", let next = scalars.first, next == "%" || next == "\\" {
                scalars.removeFirst()
                command.append(next)
            } else if scalar == "\\", let next = scalars.popFirst() {
                command.append(contentsOf: [scalar, next])
            } else {
                command.append(scalar)
            }
        }
        guard hasInput, !scalars.isEmpty else { return (String(command), nil) }
        var input = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in scalars {
            if isEscaped, scalar != "%" { input.append("\\") }
            let written = !isEscaped && scalar == "%" ? "\n" : scalar
            isEscaped = written == "\\"
            if !isEscaped { input.append(written) }
        }
        if isEscaped { input.append("\\") }
        if input.last != "\n" { input.append("\n") }
        return (String(command), String(input))
    }
}
