import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import Foundation

/// A daemon elsewhere by a name of this user's.
package struct Context: Sendable {
    package var name: String
    package var url: String
    /// Who signs its certificate, as a file in PEM.
    package var authority: String?
    /// Where its token lies, unless somebody logs in.
    package var tokenFile: String?

    package init(name: String, url: String, authority: String?, tokenFile: String?) {
        self.name = name
        self.url = url
        self.authority = authority
        self.tokenFile = tokenFile
    }
}

/// The contexts of a user, `contexts.toml` in their configuration folder, and which of them commands are about.
package struct ContextFile {
    /// What the daemon of this machine is called.
    package static let local = "local"

    package let path: String
    package private(set) var contexts: [Context] = []
    /// Nil for the daemon of this machine.
    package private(set) var current: String?

    /// Reads it, if there is one. Throws `Failure` with all that is wrong in it.
    package init(path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else { return }
        let node: ConfigNode
        do {
            node = try ConfigDocument.read(path: path)
        } catch {
            throw Failure.input(error.description)
        }
        var table = ConfigTable(node, source: path)
        current = table.string("current")
        let names = Self.names(in: node["context"])
        contexts =
            table.table("context") { all in
                names.compactMap { name in
                    all.table(name) { one in
                        Context(
                            name: name, url: one.required("url", one.string("url")) ?? "",
                            authority: one.string("ca_file"), tokenFile: one.string("token_file"))
                    }
                }
            } ?? []
        table.finish()
        if !table.problems.isEmpty {
            throw Failure.input(table.problems.map(\.description).joined(separator: "\n"))
        }
    }

    private static func names(in node: ConfigNode?) -> [String] {
        guard case .table(let entries)? = node?.value else { return [] }
        return entries.map(\.key)
    }

    package subscript(name: String) -> Context? { contexts.first { $0.name == name } }

    package mutating func set(_ context: Context) {
        if let place = contexts.firstIndex(where: { $0.name == context.name }) {
            contexts[place] = context
        } else {
            contexts.append(context)
        }
    }

    package mutating func remove(_ name: String) {
        contexts.removeAll { $0.name == name }
        if current == name { current = nil }
    }

    /// Makes one what commands are about; nil for the daemon of this machine.
    package mutating func use(_ name: String?) { current = name }

    /// Writes it as it is now. Throws `Failure`.
    package func write() throws {
        var text = current.map { "current = \(TOMLText.quote($0))\n" } ?? ""
        for context in contexts {
            text += "\n[context.\(TOMLText.key(context.name))]\nurl = \(TOMLText.quote(context.url))\n"
            if let file = context.authority { text += "ca_file = \(TOMLText.quote(file))\n" }
            if let file = context.tokenFile { text += "token_file = \(TOMLText.quote(file))\n" }
        }
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw Failure.failed("\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
