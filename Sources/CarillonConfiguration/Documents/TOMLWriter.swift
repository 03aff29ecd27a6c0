/// Writes a table as TOML (toml.io, v1.0.0), for people to read on: plain keys first, then the tables under headers.
///
/// Secrets, which are the values under these keys, go into files of their own, and the text names them.
package struct TOMLWriter {
    package private(set) var text = ""
    /// Files with one secret each.
    package private(set) var secrets: [(path: String, text: String)] = []
    /// The name of the file for each secret, by the path of its key: `feed.web.token`.
    private let names: [String: String]
    private let folder: String

    /// Writes a document; `folder` is where the secrets' files are to lie.
    package init(_ node: ConfigNode, secrets names: [String: String], in folder: String) {
        self.names = names
        self.folder = folder
        write(node, path: [])
    }

    private mutating func write(_ node: ConfigNode, path: [String]) {
        guard case .table(let entries) = node.value else { return }
        for (key, value) in entries {
            if let name = names[(path + [key]).joined(separator: ".")], case .string(let secret) = value.value {
                guard !secret.isEmpty else { continue }
                secrets.append((folder + "/" + name, secret + "\n"))
                text += "\(key)_file = \(TOMLText.quote(folder + "/" + name))\n"
            } else if let plain = Self.plain(value) {
                text += "\(key) = \(plain)\n"
            }
        }
        for (key, value) in entries {
            let inner = path + [key]
            switch value.value {
            case .table(let fields):
                // A table that only holds tables needs no header.
                if fields.contains(where: { Self.plain($0.value) != nil }) || fields.isEmpty {
                    text += "\n[\(inner.joined(separator: "."))]\n"
                }
                write(value, path: inner)
            case .array(let nodes) where Self.plain(value) == nil:
                for node in nodes {
                    text += "\n[[\(inner.joined(separator: "."))]]\n"
                    write(node, path: inner)
                }
            default: break
            }
        }
    }

    /// Writes a value; nil for what stands under a header of its own.
    private static func plain(_ node: ConfigNode) -> String? {
        switch node.value {
        case .string(let text): return TOMLText.quote(text)
        case .integer(let number): return "\(number)"
        case .bigInteger(let digits): return digits
        case .double(let number): return "\(number)"
        case .bool(let flag): return "\(flag)"
        case .array(let nodes):
            let texts = nodes.compactMap(plain)
            return texts.count == nodes.count ? "[" + texts.joined(separator: ", ") + "]" : nil
        case .null, .table: return nil
        }
    }
}
