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
    private let mark: Int

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

    /// Whether both give the key the same value, wherever they stand.
    func agrees(with other: GivenSetting) -> Bool { key == other.key && mark == other.mark }
}

extension Settings {
    /// The keys that these settings and others give differently, each once, in the order of their names.
    package func changes(since other: Settings) -> [String] {
        func lacking(_ a: [GivenSetting], _ b: [GivenSetting]) -> [String] {
            a.filter { mine in !b.contains { $0.agrees(with: mine) } }.map(\.key)
        }
        return Set(lacking(given, other.given) + lacking(other.given, given)).sorted()
    }
}
