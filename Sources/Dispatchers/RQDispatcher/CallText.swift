import CarillonCore

/// The call as RQ describes it in a worker's log: `shop.tasks.sync(1, {'a': 'ü'}, dry=False)`.
package enum CallText {
    /// RQ shortens long arguments in its own way; here the whole text ends after this many characters.
    private static let longest = 500

    package static func describe(_ target: RQTarget) -> String {
        if let given = target.describedAs { return given }
        let positional = target.arguments.map(python)
        // RQ sorts the names.
        let named = target.keywords.sorted { $0.key < $1.key }.map { "\($0.key)=\(python($0.value))" }
        let text = "\(target.function)(\((positional + named).joined(separator: ", ")))"
        return text.count > longest ? text.prefix(longest - 1) + "…" : text
    }

    /// As Python's `repr` writes it.
    private static func python(_ value: PlainValue) -> String {
        switch value {
        case .null: "None"
        case .bool(let bool): bool ? "True" : "False"
        case .integer(let number): String(number)
        case .bigInteger(let digits): digits
        case .double(let number): "\(number)"
        case .text(let text): quoted(text)
        case .list(let values): "[" + values.map(python).joined(separator: ", ") + "]"
        case .map(let entries):
            "{" + entries.map { "\(quoted($0.key)): \(python($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        let quote: Character = text.contains("'") && !text.contains("\"") ? "\"" : "'"
        var quoted = String(quote)
        for character in text {
            switch character {
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\\": quoted += "\\\\"
            case quote: quoted += "\\" + String(quote)
            default: quoted.append(character)
            }
        }
        return quoted + String(quote)
    }
}
