import CarillonCore
import Timetable

/// Where a job's runs go.
extension JobReader {
    private static let kinds = ["exec", "shell", "rq"]
    /// Keys that mean something to a program only.
    private static let execKeys = ["env", "inherit_env", "directory", "user", "input", "success_codes"]

    func readTarget(_ table: inout TableReader) -> Target? {
        let given = Self.kinds.filter { table.has($0) }
        guard given.count == 1 else {
            // Whatever belongs to one of them is not looked into.
            for key in given + Self.execKeys { _ = table.value(key) }
            if given.isEmpty {
                table.complain(nil, "a job needs exec, shell or rq")
            } else {
                table.complain(given[1], "a job has one target; this one has \(given.joined(separator: " and "))")
            }
            return nil
        }
        guard given == ["rq"] else { return readExec(&table) }
        for key in Self.execKeys where table.has(key) {
            _ = table.value(key)
            table.complain(key, "belongs to exec and shell; an rq job runs in its worker's surroundings")
        }
        return table.table("rq") { readRQ(&$0) } ?? nil
    }

    /// Complains of a body that nobody can execute, unless there are complaints enough.
    func sealed(_ body: some TargetBody, _ key: String, _ table: inout TableReader) -> Target? {
        do {
            return try Target(body)
        } catch {
            if table.problems.isEmpty { table.complain(key, error.message) }
            return nil
        }
    }

    private func readRQ(_ table: inout TableReader) -> Target? {
        let function = table.string("function")
        if !table.has("function") { table.complain(nil, "needs function: \"package.module.function\"") }
        if let function, !Self.isDottedPath(function) {
            table.complain("function", "'\(function)' is no dotted path such as \"package.module.function\"")
        }
        let arguments = readArguments(&table)
        let keywords = readKeywords(&table)
        var target = RQTarget(function: function ?? "", arguments: arguments, keywords: keywords)
        if let queue = table.string("queue") {
            target.queue = queue
            if queue.isEmpty || queue.unicodeScalars.contains(where: { $0.value <= 32 || $0.value == 127 }) {
                table.complain("queue", "the name of a queue is text without spaces")
            }
        }
        target.timeout = readSeconds(&table, "timeout", from: 1) ?? target.timeout
        target.resultTTL = readSeconds(&table, "result_ttl", from: 0) ?? target.resultTTL
        target.serializer = table.choice("serializer", RQTarget.Serializer.self) ?? .pickle
        target.describedAs = table.string("description")
        if target.serializer == .json, !(arguments + keywords.map(\.value)).allSatisfy(\.isJSON) {
            table.complain("args", "JSON has no nan and no inf; use the pickle serializer")
        }
        return function == nil ? nil : sealed(target, "function", &table)
    }

    private func readArguments(_ table: inout TableReader) -> [PlainValue] {
        guard let found = table.value("args") else { return [] }
        guard case .list(let values) = PlainValue(found) else {
            table.complain("args", "expected a list, found \(found.kind)")
            return []
        }
        checkDepth(.list(values), "args", &table)
        return values
    }

    private func readKeywords(_ table: inout TableReader) -> [PlainValue.Entry] {
        guard let found = table.value("kwargs") else { return [] }
        guard case .map(let entries) = PlainValue(found) else {
            table.complain("kwargs", "expected a table, found \(found.kind)")
            return []
        }
        checkDepth(.map(entries), "kwargs", &table)
        return entries
    }

    private func checkDepth(_ value: PlainValue, _ key: String, _ table: inout TableReader) {
        guard value.nests(deeperThan: PlainValue.deepest) else { return }
        table.complain(key, "nests deeper than \(PlainValue.deepest) levels")
    }

    /// Seconds as RQ counts them: a whole number, -1 for never or for ever, or a duration such as `"10m"`.
    private func readSeconds(_ table: inout TableReader, _ key: String, from least: Int64) -> Int64? {
        switch table.node[key]?.value {
        case .string?:
            guard let span = table.span(key) else { return nil }
            if span < least * 1_000_000 || span % 1_000_000 != 0 { table.complain(key, "expected whole seconds") }
            return span / 1_000_000
        case .integer(let seconds)? where seconds != -1 && seconds < least:
            _ = table.value(key)
            table.complain(key, "\(seconds) is out of range; expected seconds, \(least) or more, or -1")
            return nil
        default: return table.integer(key, in: -1...Int64(Int32.max))
        }
    }

    /// Identifiers (Python's: letters, digits, `_`, no digit first) joined by dots, at least two.
    private static func isDottedPath(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count > 1
            && parts.allSatisfy { part in
                part.first.map { $0.isLetter || $0 == "_" } ?? false
                    && part.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
            }
    }
}

extension PlainValue {
    /// What a file's value is to a function.
    init(_ node: ConfigNode) {
        switch node.value {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .integer(let number): self = .integer(number)
        case .bigInteger(let digits): self = .bigInteger(digits)
        case .double(let number): self = .double(number)
        case .string(let text): self = .text(text)
        case .array(let nodes): self = .list(nodes.map(PlainValue.init))
        case .table(let entries): self = .map(entries.map { .init($0.key, PlainValue($0.value)) })
        }
    }
}
