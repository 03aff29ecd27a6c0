package import CarillonCore
import Timetable

/// Reads one table strictly: every key by name and type, and an error for what is left over.
///
/// All problems are gathered, so that a person sees them at once.
package struct ConfigTable {
    package let node: ConfigNode
    package let source: String
    /// What stands before a key in messages: `retry.`.
    package let prefix: String
    package var job: String?
    /// Nil where the environment has no say.
    private(set) var variables: Variables?
    package private(set) var problems: [ConfigProblem] = []
    /// What was found under keys that are settings.
    private(set) var given: [GivenSetting] = []
    /// Keys that somebody asked for, with those of tables inside; only where the environment has a say.
    private(set) var known: [String] = []
    /// Keys somebody asked for.
    private var asked: [String] = []
    private let entries: [(key: String, value: ConfigNode)]
    /// Which of the entries were asked for.
    private var isUsed: [Bool]

    /// Opens a table of which the environment says nothing.
    package init(_ node: ConfigNode, source: String) { self.init(node, source: source, prefix: "") }

    init(_ node: ConfigNode, source: String, prefix: String = "", job: String? = nil, variables: Variables? = nil) {
        self.node = node
        self.variables = variables
        self.source = source
        self.prefix = prefix
        self.job = job
        if case .table(let entries) = node.value {
            self.entries = entries
        } else {
            entries = []
            problems = [
                ConfigProblem(
                    source: source, line: node.line, key: prefix.isEmpty ? nil : String(prefix.dropLast()), job: job,
                    message: "expected a table, found \(node.kind)")
            ]
        }
        isUsed = Array(repeating: false, count: entries.count)
    }

    /// The table's own key, for what concerns it as a whole.
    private var own: String? { prefix.isEmpty ? nil : String(prefix.dropLast()) }

    package mutating func complain(_ key: String?, _ message: String, line: Int? = nil) {
        if let key, let variables, variables.isSet(key) {
            problems.append(ConfigProblem(source: variables.name(of: key), message: message))
            return
        }
        problems.append(
            ConfigProblem(
                source: source, line: line ?? key.flatMap { node[$0]?.line } ?? node.line,
                key: key.map { prefix + $0 } ?? own,
                job: job, message: message))
    }

    mutating func adopt(_ other: ConfigTable) {
        problems += other.problems
        given += other.given
        known += other.known
        if let more = other.variables { variables?.adopt(more) }
    }

    /// Whether the file or the environment gives this key, or something in a table of this name.
    package func has(_ key: String) -> Bool {
        node[key] != nil || variables.map { $0.isSet(key) || $0.concerns(table: key) } ?? false
    }

    /// Reads what the file has under a key, whatever it is.
    package mutating func value(_ key: String) -> ConfigNode? { value(key, nil) }

    /// Reads what is under a key: in the environment, for a setting of one of these kinds, or else in the file.
    mutating func value(_ key: String, _ kind: Variables.Kind?) -> ConfigNode? {
        asked.append(key)
        if variables != nil { known.append(prefix + key) }
        let said = kind.flatMap { variables?.value(key, $0) }
        if let said, let variables {
            given.append(GivenSetting(key: prefix + key, node: said, source: variables.name(of: key)))
        }
        guard let place = entries.firstIndex(where: { $0.key == key }) else { return said }
        isUsed[place] = true
        if let said { return said }
        let value = entries[place].value
        if kind != nil, variables != nil {
            given.append(GivenSetting(key: prefix + key, node: value, source: source))
        }
        if case .null = value.value {
            complain(key, "has no value")
            return nil
        }
        return value
    }

    /// Has a setting that names a file differ when that file says something else.
    mutating func follow(_ text: String, of key: String) {
        guard let place = given.lastIndex(where: { $0.key == prefix + key }) else { return }
        given[place].follow(text)
    }

    private mutating func read<T>(
        _ key: String, _ kind: Variables.Kind, _ expected: String, _ body: (ConfigNode.Value) -> T?
    ) -> T? {
        guard let found = value(key, kind) else { return nil }
        if let read = body(found.value) { return read }
        complain(key, "expected \(expected), found \(found.kind)")
        return nil
    }

    /// Reads a text without a NUL, at which whoever takes it as a path or a name would stop.
    package mutating func string(_ key: String) -> String? {
        guard let text = anyString(key) else { return nil }
        guard !text.utf8.contains(0) else {
            complain(key, Self.holdsNUL)
            return nil
        }
        return text
    }

    package mutating func anyString(_ key: String) -> String? {
        read(key, .text, "text") { if case .string(let text) = $0 { text } else { nil } }
    }

    private static let holdsNUL = "must not hold a NUL character"

    package mutating func bool(_ key: String) -> Bool? {
        read(key, .bool, "true or false") { if case .bool(let bool) = $0 { bool } else { nil } }
    }

    package mutating func integer(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let number = read(key, .integer, "a whole number", { if case .integer(let n) = $0 { n } else { nil } })
        else { return nil }
        guard range.contains(number) else {
            let most = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
            complain(key, "\(number) is out of range; expected \(range.lowerBound) \(most)")
            return nil
        }
        return number
    }

    package mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        let number = read(key, .number, "a number") { value -> Double? in
            switch value {
            case .integer(let n): Double(n)
            case .double(let n): n
            default: nil
            }
        }
        guard let number else { return nil }
        guard range.contains(number) else {
            complain(key, "\(number) is out of range; expected \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    package mutating func strings(_ key: String) -> [String]? {
        guard let found = value(key, .list) else { return nil }
        guard case .array(let nodes) = found.value else {
            complain(key, "expected a list of texts, found \(found.kind)")
            return nil
        }
        var texts: [String] = []
        for (index, node) in nodes.enumerated() {
            guard case .string(let text) = node.value else {
                complain(key, "element \(index + 1): expected text, found \(node.kind)", line: node.line)
                return nil
            }
            guard !text.utf8.contains(0) else {
                complain(key, "element \(index + 1): \(Self.holdsNUL)", line: node.line)
                return nil
            }
            texts.append(text)
        }
        return texts
    }

    /// Reads a list of tables, such as `[[feed]]` makes in TOML; empty when there is none.
    package mutating func tables(_ key: String) -> [ConfigNode] {
        guard let found = value(key) else { return [] }
        if case .array(let nodes) = found.value { return nodes }
        complain(key, "expected a list of tables ([[\(key)]] in TOML), found \(found.kind)")
        return []
    }

    /// Opens one of a list of tables.
    package func entry(_ node: ConfigNode, _ key: String, _ place: Int) -> ConfigTable {
        ConfigTable(node, source: source, prefix: prefix + "\(key)[\(place)].", job: job)
    }

    package mutating func take(_ others: [ConfigProblem]) { problems += others }

    /// Complains of a key without which nothing works, unless it is there in some way.
    package mutating func required<T>(_ key: String, _ value: T?) -> T? {
        if value == nil, !has(key), !has(key + "_file") { complain(key, "is missing") }
        return value
    }

    /// Reads a table of texts; numbers and booleans are taken as they are written, `3.10` as `3.10`.
    package mutating func environment(_ key: String) -> [String: String]? {
        guard let found = value(key) else { return nil }
        guard case .table(let entries) = found.value else {
            complain(key, "expected a table, found \(found.kind)")
            return nil
        }
        var texts: [String: String] = [:]
        for (name, node) in entries {
            if name.isEmpty || name.contains("=") || name.contains("\0") {
                complain(key, "'\(name)' cannot be the name of a variable", line: node.line)
                continue
            }
            if case .string(let text) = node.value {
                if text.utf8.contains(0) { complain(key, "\(name): \(Self.holdsNUL)", line: node.line) }
                texts[name] = text
            } else if let written = node.written {
                texts[name] = written
            } else {
                complain(key, "\(name): expected text, found \(node.kind)", line: node.line)
            }
        }
        return texts
    }

    /// Reads a duration such as `"1h30m"`, in microseconds; of bare numbers only 0.
    package mutating func span(_ key: String) -> Int64? {
        guard let text = spanText(key) else { return nil }
        do {
            return try Span.parse(text)
        } catch {
            complain(key, error.message)
            return nil
        }
    }

    /// Reads the same as its text. A bare number is refused: some would count it as seconds, others as milliseconds.
    package mutating func spanText(_ key: String) -> String? {
        guard let found = value(key, .text) else { return nil }
        let text: String
        switch found.value {
        case .integer(let number): text = String(number)
        case .string(let words): text = words
        default:
            complain(key, "expected a length of time such as \"90s\" or \"1h30m\", found \(found.kind)")
            return nil
        }
        if let number = Int64(text), number != 0 {
            let example = number.magnitude
            complain(key, "\(text) has no unit; is it \"\(example)s\" or \"\(example)ms\"?")
            return nil
        }
        return text
    }

    package mutating func choice<T: RawRepresentable & CaseIterable>(_ key: String, _ type: T.Type) -> T?
    where T.RawValue == String {
        guard let text = string(key) else { return nil }
        if let value = T(rawValue: text) { return value }
        let known = T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        complain(key, "\"\(text)\" is none of \(known)")
        return nil
    }

    /// Reads the table under a key by `body`; one that the file does not have may stand in the environment.
    package mutating func table<T>(_ key: String, _ body: (inout ConfigTable) -> T) -> T? {
        let found = value(key)
        guard found != nil || variables?.concerns(table: key) ?? false else { return nil }
        let node = found ?? ConfigNode(.table([]))
        var inner = ConfigTable(
            node, source: source, prefix: prefix + key + ".", job: job, variables: variables?.under(key))
        if case .table = node.value {
            let read = body(&inner)
            inner.finish()
            if found == nil, inner.variables?.isUsed != true {
                // It only looks as if: what is set there is no setting.
                if let more = inner.variables { variables?.adopt(more) }
                return nil
            }
            adopt(inner)
            return read
        }
        adopt(inner)
        return nil
    }

    /// Complains of every key nobody asked for.
    package mutating func finish() { problems += unknown() }

    /// Lists every key nobody asked for, with the nearest one that exists.
    package func unknown() -> [ConfigProblem] {
        zip(entries, isUsed).filter { !$1 }.map(\.0).map { key, value in
            ConfigProblem(
                source: source, line: value.line ?? node.line, key: prefix + key, job: job,
                message: "unknown key" + Spelling.hint(key, among: asked))
        }
    }
}
