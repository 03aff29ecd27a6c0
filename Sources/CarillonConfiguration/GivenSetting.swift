import Foundation

/// A setting that the file or the environment gives; what neither gives has its default.
public struct GivenSetting: Hashable, Sendable, Encodable {
    /// Dotted, as in TOML.
    public var key: String
    /// As TOML has it; a secret is only said to be there.
    public var value: String
    /// The file, or the variable of the environment.
    public var source: String
    public var line: Int?
    /// Differs when the value does, also that of a secret.
    fileprivate var mark: Int

    private enum CodingKeys: CodingKey { case key, value, source, line }

    init(key: String, node: ConfigNode, source: String) {
        self.key = key
        self.source = source
        line = node.line
        let text = TOMLText.value(node) ?? ""
        mark = text.hashValue
        let isSecret = ConfigNode.isSecret(key) && !key.hasSuffix("_file")
        value = isSecret ? "(set, not shown)" : text.withoutPasswords
    }

    /// Has it differ too when the file that it names says something else.
    mutating func follow(_ text: String) { mark = [mark, text.hashValue].hashValue }
}

extension Settings {
    /// The keys that these settings and others give differently, each once, in the order of their names.
    package func changes(since other: Settings) -> [String] {
        let (ours, theirs) = (marks, other.marks)
        return Set(ours.keys).union(theirs.keys).filter { ours[$0] != theirs[$0] }.sorted()
    }

    /// What stands under each key; two feeds have the same keys.
    private var marks: [String: [Int]] { Dictionary(grouping: given, by: \.key).mapValues { $0.map(\.mark) } }
}
