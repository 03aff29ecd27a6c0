package import CarillonConfiguration
package import CarillonCore
package import RQDispatcher

/// The keys of a call that a worker of Python RQ makes.
package enum RQKeys: TargetKeys {
    package static let chosenBy = ["rq"]
    /// Workers queue what comes.
    package static let defaultOverlap = Overlap.allow
    package static let executor = "a worker of RQ"

    package static func read(_ job: inout ConfigTable) -> RQTarget? { job.table("rq") { call(&$0) } ?? nil }

    package static func write(_ body: RQTarget) -> [(key: String, value: ConfigNode)] {
        let usual = RQTarget(function: body.function)
        var call = ConfigNode(.table([]))
        call.set("function", .text(body.function))
        if !body.arguments.isEmpty { call.set("args", ConfigNode(PlainValue.list(body.arguments))) }
        if !body.keywords.isEmpty { call.set("kwargs", ConfigNode(PlainValue.map(body.keywords))) }
        if body.queue != usual.queue { call.set("queue", .text(body.queue)) }
        if body.timeout != usual.timeout { call.set("timeout", .whole(body.timeout)) }
        if body.resultTTL != usual.resultTTL { call.set("result_ttl", .whole(body.resultTTL)) }
        if body.serializer != usual.serializer { call.set("serializer", .text(body.serializer.rawValue)) }
        call.set("description", .text(body.describedAs))
        return [("rq", call)]
    }

    private static func call(_ table: inout ConfigTable) -> RQTarget? {
        let function = table.string("function")
        if !table.has("function") { table.complain(nil, "needs function: \"package.module.function\"") }
        if let function, !isDottedPath(function) {
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
        return function == nil ? nil : target
    }

    private static func readArguments(_ table: inout ConfigTable) -> [PlainValue] {
        guard let found = table.value("args") else { return [] }
        guard case .list(let values) = PlainValue(found) else {
            table.complain("args", "expected a list, found \(found.kind)")
            return []
        }
        checkDepth(.list(values), "args", &table)
        return values
    }

    private static func readKeywords(_ table: inout ConfigTable) -> [PlainValue.Entry] {
        guard let found = table.value("kwargs") else { return [] }
        guard case .map(let entries) = PlainValue(found) else {
            table.complain("kwargs", "expected a table, found \(found.kind)")
            return []
        }
        checkDepth(.map(entries), "kwargs", &table)
        return entries
    }

    private static func checkDepth(_ value: PlainValue, _ key: String, _ table: inout ConfigTable) {
        guard value.nests(deeperThan: PlainValue.deepest) else { return }
        table.complain(key, "nests deeper than \(PlainValue.deepest) levels")
    }

    /// Reads seconds as RQ counts them: a whole number, -1 for never or for ever, or a duration such as `"10m"`.
    private static func readSeconds(_ table: inout ConfigTable, _ key: String, from least: Int64) -> Int64? {
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

    /// Whether a text is identifiers (Python's: letters, digits, `_`, no digit first) joined by dots, at least two.
    private static func isDottedPath(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count > 1
            && parts.allSatisfy { part in
                part.first.map { $0.isLetter || $0 == "_" } ?? false
                    && part.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
            }
    }
}

extension ConfigNode {
    /// A function's value as a file has it.
    init(_ value: PlainValue) {
        let node: ConfigNode.Value =
            switch value {
            case .null: .null
            case .bool(let bool): .bool(bool)
            case .integer(let number): .integer(number)
            case .bigInteger(let digits): .bigInteger(digits)
            case .double(let number): .double(number)
            case .text(let text): .string(text)
            case .list(let values): .array(values.map(ConfigNode.init))
            case .map(let entries): .table(entries.map { ($0.key, ConfigNode($0.value)) })
            }
        self.init(node)
    }
}

extension PlainValue {
    /// Takes what a file's value is to a function.
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
